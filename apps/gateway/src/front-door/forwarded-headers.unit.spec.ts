import { answeredHeaders, forwardedHeaders } from './forwarded-headers';

const hop = { host: 'intake:80', identity: 'signed', traceparent: '00-a', remoteAddress: '192.0.2.1' };

describe('headers on their way to a service', () => {
  it('keep what is of the message and lose what is of the connection or of the caller alone', () => {
    const headers = forwardedHeaders(
      {
        host: 'api.example.com',
        connection: 'close, X-Hop, content-length',
        'x-hop': '1',
        'keep-alive': 'timeout=5',
        te: 'trailers',
        upgrade: 'websocket',
        expect: '100-continue',
        authorization: 'Bearer x',
        cookie: 'a=b',
        'proxy-authorization': 'Basic x',
        'countersign-identity': 'forged',
        'countersign-actor': 'alice',
        'content-length': '5',
        'content-type': 'application/json',
        'idempotency-key': 'k',
      },
      hop,
    );
    expect(headers).toEqual({
      host: 'intake:80',
      'content-length': '5',
      'content-type': 'application/json',
      'idempotency-key': 'k',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'api.example.com',
      traceparent: '00-a',
      'countersign-identity': 'signed',
    });
  });

  it('frame a chunked body of any method', () => {
    const headers = forwardedHeaders({ 'transfer-encoding': 'gzip, chunked', 'content-length': '9' }, hop);
    expect(headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(headers).not.toHaveProperty('content-length');
  });

  it('add to what proxies in front have said', () => {
    const headers = forwardedHeaders(
      {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'public.example.com',
        host: 'lb',
      },
      hop,
    );
    expect(headers).toMatchObject({
      'x-forwarded-for': '203.0.113.9, 192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.example.com',
    });
  });
});

describe('headers on their way back', () => {
  it('keep order, case and repetitions, and lose those of the connection', () => {
    const raw = [
      'ETag',
      '"1"',
      'Connection',
      'keep-alive',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
      'Transfer-Encoding',
      'chunked',
    ];
    expect(answeredHeaders(raw)).toEqual(['ETag', '"1"', 'Set-Cookie', 'a', 'Set-Cookie', 'b']);
  });
});
