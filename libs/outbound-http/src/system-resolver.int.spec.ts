import { createSocket, type Socket } from 'node:dgram';
import { systemResolver } from './system-resolver';

const SERVFAIL = 2;
const TYPE_A = 1;

let server: Socket;
let questions: string[];
let resolve: ReturnType<typeof systemResolver>;

/** A DNS server that knows `hook.test` as 127.0.0.1 and fails at everything else. */
beforeEach(async () => {
  questions = [];
  server = createSocket('udp4', (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    questions.push(`${name} ${type}`);
    const found = name === 'hook.test';
    const answer = Buffer.concat([
      query.subarray(0, end),
      found && type === TYPE_A ? RECORD : Buffer.alloc(0),
    ]);
    answer.writeUInt16BE(0x8180 | (found ? 0 : SERVFAIL), 2);
    answer.writeUInt16BE(found && type === TYPE_A ? 1 : 0, 6);
    answer.writeUInt16BE(0, 10);
    server.send(answer, port, address);
  });
  await new Promise<void>((done) => server.bind(0, '127.0.0.1', done));
  resolve = systemResolver([`127.0.0.1:${server.address().port}`]);
});
afterEach(() => new Promise<void>((done) => server.close(() => done())));

// Name by pointer, type A, class IN, 60 s, four bytes.
const RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += query[at]! + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

describe('systemResolver', () => {
  it('asks DNS for both families of a name with a dot', async () => {
    expect(await resolve('hook.test')).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await resolve('hook.test.')).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(new Set(questions)).toEqual(new Set(['hook.test 1', 'hook.test 28']));
  });

  it('fails when DNS fails, without a second opinion', async () => {
    await expect(resolve('broken.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });

  it('finds localhost without DNS', async () => {
    const addresses = await resolve('localhost');
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.every(({ address }) => address === '127.0.0.1' || address === '::1')).toBe(true);
    expect(questions).toEqual([]);
  });
});
