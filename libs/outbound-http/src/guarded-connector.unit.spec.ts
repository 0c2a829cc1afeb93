import { isIP, Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { AddressNotAllowedError } from './connection-error';
import { type ConnectorFactory, guardedConnector } from './guarded-connector';
import { createOutboundHttp } from './outbound-http';
import type { ResolvedAddress, Resolver } from './system-resolver';

const CALL = { headers: {}, body: '{}', timeoutMs: 2_000, maxResponseBytes: 1024 };

/** Notes what would be dialled, as net.connect would choose it, and never dials. */
function recordingConnector() {
  const dialled: string[] = [];
  const connector: ConnectorFactory =
    ({ lookup }) =>
    (options, callback) => {
      const dial = (...addresses: string[]) => {
        dialled.push(...addresses);
        callback(Object.assign(new Error('not dialled'), { syscall: 'connect' }), null);
      };
      if (isIP(options.hostname)) return dial(options.hostname);
      lookup(options.hostname, { all: true }, (error, found) => {
        if (error) callback(error, null);
        else dial(...(found as ResolvedAddress[]).map(({ address }) => address));
      });
    };
  return { dialled, connector };
}

function resolverOf(...answers: string[][]): { resolver: Resolver; asked: string[] } {
  const asked: string[] = [];
  const resolver: Resolver = (hostname) => {
    asked.push(hostname);
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    return Promise.resolve(answer.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 })));
  };
  return { resolver, asked };
}

async function post(url: string, answers: string[][], allow = '') {
  const { dialled, connector } = recordingConnector();
  const { resolver, asked } = resolverOf(...answers);
  const http = createOutboundHttp({ allow, resolver, connector });
  const results = [];
  for (let call = 0; call < answers.length; call++) results.push(await http.post({ url, ...CALL }));
  await http.close();
  return { results, dialled, asked };
}

describe('a call to a name', () => {
  it('dials the public addresses that the name leads to', async () => {
    const { results, dialled, asked } = await post('https://hooks.example.com/', [
      ['93.184.216.34', '2606:2800:21f::1'],
    ]);
    expect(asked).toEqual(['hooks.example.com']);
    expect(dialled).toEqual(['93.184.216.34', '2606:2800:21f::1']);
    expect(results).toMatchObject([{ kind: 'failed', reason: 'connect' }]);
  });

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '0.0.0.0',
  ])('is refused without dialling when the name leads to %s', async (address) => {
    const { results, dialled } = await post('http://evil.example.com/', [[address]]);
    expect(results).toEqual([
      {
        kind: 'refused',
        reason: 'address_not_allowed',
        detail: 'evil.example.com leads to an address that is not public',
      },
    ]);
    expect(dialled).toEqual([]);
  });

  it('is refused when only one of many addresses is not public', async () => {
    const { results, dialled } = await post('http://evil.example.com/', [
      ['93.184.216.34', '8.8.8.8', '192.168.1.1'],
    ]);
    expect(results).toMatchObject([{ kind: 'refused', reason: 'address_not_allowed' }]);
    expect(dialled).toEqual([]);
  });

  it('is checked again at each connection, so that a name cannot change its mind', async () => {
    const { results, dialled } = await post('http://evil.example.com/', [['93.184.216.34'], ['127.0.0.1']]);
    expect(results).toMatchObject([{ kind: 'failed' }, { kind: 'refused', reason: 'address_not_allowed' }]);
    expect(dialled).toEqual(['93.184.216.34']);
  });

  it('may lead to a network that is allowed', async () => {
    const { dialled } = await post('http://erp.internal/', [['10.1.2.3']], '10.1.0.0/16');
    expect(dialled).toEqual(['10.1.2.3']);
  });

  it('fails when the name has no address, or no answer comes', async () => {
    const { results } = await post('http://nowhere.example.com/', [[]]);
    expect(results).toMatchObject([
      { kind: 'failed', reason: 'dns', detail: 'nowhere.example.com has no address' },
    ]);

    const { dialled, connector } = recordingConnector();
    const resolver = () => Promise.reject(Object.assign(new Error('queryA'), { code: 'ESERVFAIL' }));
    const http = createOutboundHttp({ allow: '', resolver, connector });
    const detail = 'nowhere.example.com cannot be resolved (ESERVFAIL)';
    expect(await http.post({ url: 'http://nowhere.example.com/', ...CALL })).toMatchObject({
      kind: 'failed',
      reason: 'dns',
      detail,
    });
    expect(dialled).toEqual([]);
    await http.close();
  });
});

describe('a call to a literal address', () => {
  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'https://[::1]/',
    'http://[::ffff:7f00:1]/',
  ])('is refused without resolving or dialling: %s', async (url) => {
    const { results, dialled, asked } = await post(url, [['8.8.8.8']]);
    expect(results).toMatchObject([{ kind: 'refused', reason: 'address_not_allowed' }]);
    expect([...asked, ...dialled]).toEqual([]);
  });
});

describe('guardedConnector', () => {
  const target = { hostname: 'hooks.example.com', protocol: 'http:', port: '80' };
  const connectTo = (options: buildConnector.Options, factory: ConnectorFactory) =>
    new Promise<{ error: Error | null; socket: Socket | null }>((resolve) => {
      guardedConnector(
        [],
        resolverOf([]).resolver,
        1_000,
        factory,
      )(options, (error, socket) => resolve({ error, socket }));
    });
  const connectedTo = (remoteAddress: string | undefined) => {
    const socket = new Socket();
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
    const factory: ConnectorFactory = () => (_, callback) => callback(null, socket);
    return { socket, factory };
  };

  it('refuses a literal by itself, without relying on who calls it', async () => {
    const { dialled, connector } = recordingConnector();
    for (const hostname of ['127.0.0.1', '::1', '[::1]']) {
      expect((await connectTo({ ...target, hostname }, connector)).error).toBeInstanceOf(
        AddressNotAllowedError,
      );
    }
    expect(dialled).toEqual([]);
  });

  it.each(['127.0.0.1', '::ffff:127.0.0.1', '10.0.0.1', undefined])(
    'closes a socket whose peer turns out to be %s',
    async (peer) => {
      const { socket, factory } = connectedTo(peer);
      expect((await connectTo(target, factory)).error).toBeInstanceOf(Error);
      expect(socket.destroyed).toBe(true);
    },
  );

  it('hands over a socket whose peer is public', async () => {
    const { socket, factory } = connectedTo('93.184.216.34');
    expect(await connectTo(target, factory)).toEqual({ error: null, socket });
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});
