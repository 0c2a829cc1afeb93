import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import S3rver from 's3rver';
import { guardBucket } from '../test/signature-gate';
import { BucketStore } from './bucket-store';

/** Its account is fixed, and it believes every signature: the gate before it does not. */
const account = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', region: 'us-east-1' };

let dir: string;
let server: S3rver;
let gate: Awaited<ReturnType<typeof guardBucket>>;
let base: string;
let bucket: BucketStore;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'countersign-bucket-'));
  server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: dir,
    configureBuckets: [{ name: 'exports', configs: [] }],
  });
  gate = await guardBucket((await server.run()).port, account.secretAccessKey);
  base = gate.url;
  bucket = new BucketStore({ ...account, endpoint: `${base}/exports` });
});
afterAll(async () => {
  gate.close();
  server.httpServer.closeAllConnections();
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

async function* chunks(...parts: Buffer[]) {
  yield* parts;
}
/** As whoever knows no key: this server shows files to everybody. */
const read = async (key: string) => {
  const answer = await fetch(`${base}/exports/${key}`);
  return answer.ok
    ? { type: answer.headers.get('content-type'), bytes: Buffer.from(await answer.arrayBuffer()) }
    : answer.status;
};
const refusal = (code: string) => expect.objectContaining({ name: 'ObjectStoreError', code });

describe('a bucket', () => {
  it('gets a small file, and replaces it', async () => {
    await bucket.put('one/log.csv', chunks(Buffer.from('a'), Buffer.from('b')), 'text/csv');
    expect(await read('one/log.csv')).toEqual({ type: 'text/csv', bytes: Buffer.from('ab') });
    await bucket.put('one/log.csv', chunks(), 'text/csv');
    expect(await read('one/log.csv')).toEqual({ type: 'text/csv', bytes: Buffer.alloc(0) });
  });

  it('gets a large file in parts', async () => {
    const parts = Array.from({ length: 40 }, (_, n) => Buffer.alloc(600_000, n));
    await bucket.put('one/large.ndjson', chunks(...parts), 'application/x-ndjson');
    const found = await read('one/large.ndjson');
    expect(found).toMatchObject({ bytes: expect.any(Buffer) });
    expect(Buffer.concat(parts).equals((found as { bytes: Buffer }).bytes)).toBe(true);
  }, 60_000);

  it('has nothing of a file that could not be made', async () => {
    async function* failing() {
      for (let n = 0; n < 20; n += 1) yield Buffer.alloc(1_000_000);
      throw new Error('away');
    }
    await expect(bucket.put('one/half', failing(), 'text/csv')).rejects.toThrow('away');
    expect(await read('one/half')).toBe(404);
  }, 60_000);

  it.each([
    ['a wrong secret', { secretAccessKey: 'other' }, 'refused'],
    ['an unknown key', { accessKeyId: 'nobody' }, 'refused'],
    ['no such bucket', { endpoint: 'nowhere' }, 'refused'],
    ['nobody there', { endpoint: 'http://127.0.0.1:9/exports' }, 'unavailable'],
  ])('with %s says %s', async (_, { endpoint, ...wrong }: Record<string, string>, code) => {
    const other = new BucketStore({
      ...account,
      endpoint: endpoint?.startsWith('http') ? endpoint : `${base}/${endpoint ?? 'exports'}`,
      ...wrong,
    });
    const failed = other.put('one/log.csv', chunks(Buffer.from('x')), 'text/csv');
    await expect(failed).rejects.toEqual(refusal(code));
    await expect(failed).rejects.not.toThrow(/S3RVER|other/);
  });

  it('refuses keys that could mean another place', async () => {
    await expect(bucket.put('../other/log.csv', chunks(), 'text/csv')).rejects.toEqual(refusal('bad_key'));
  });

  it('is not led elsewhere', async () => {
    const seen: IncomingMessage[] = [];
    const elsewhere: Server = createServer((request, response) => {
      seen.push(request);
      response.writeHead(307, { location: `${base}/exports/one/redirected` }).end();
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const led = new BucketStore({
      ...account,
      endpoint: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/exports`,
    });
    await expect(led.put('one/redirected', chunks(Buffer.from('x')), 'text/csv')).rejects.toEqual(
      refusal('unavailable'),
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(await read('one/redirected')).toBe(404);
    elsewhere.closeAllConnections();
    elsewhere.close();
  });
});
