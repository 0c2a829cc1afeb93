import { CallPool } from './call-pool';

const patienceMs = 60_000;
const at = (host: string, workspaceId = 'w') => ({ workspaceId, host });

/** Work that runs until it is told to end. */
const held = () => {
  const running: string[] = [];
  const most = new Map<string, number>();
  const ends: (() => void)[] = [];
  return {
    running,
    most,
    work: (host: string) => () =>
      new Promise<void>((resolve) => {
        running.push(host);
        const now = running.filter((other) => other === host).length;
        most.set(host, Math.max(most.get(host) ?? 0, now));
        ends.push(() => {
          running.splice(running.indexOf(host), 1);
          resolve();
        });
      }),
    endFirst: async () => {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
};

describe('the pool of calls', () => {
  it('keeps to the limit of a host and leaves the rest to others', async () => {
    const pool = new CallPool({ total: 4, perWorkspace: 4, perHost: 2 });
    const { work, running } = held();
    for (const host of ['slow', 'slow', 'slow', 'slow', 'quick'])
      void pool.run(at(host), patienceMs, work(host));
    await new Promise((resolve) => setImmediate(resolve));
    expect(running).toEqual(['slow', 'slow', 'quick']);
  });

  it('keeps to the limit of all, and gives hosts their turns', async () => {
    const pool = new CallPool({ total: 2, perWorkspace: 2, perHost: 2 });
    const { work, running, endFirst } = held();
    for (const host of ['a', 'a', 'a', 'a', 'b', 'c']) void pool.run(at(host), patienceMs, work(host));
    await new Promise((resolve) => setImmediate(resolve));
    expect(running).toEqual(['a', 'a']);
    await endFirst();
    await endFirst();
    expect([...running].sort()).not.toEqual(['a', 'a']);
    for (let n = 0; n < 4; n++) await endFirst();
    expect(running).toEqual([]);
  });

  it('runs everything once, also when work fails', async () => {
    const pool = new CallPool({ total: 3, perWorkspace: 3, perHost: 2 });
    const done: number[] = [];
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        pool.run(at(`host-${n % 7}`), patienceMs, async () => {
          done.push(n);
          if (n % 3 === 0) throw new Error('failed');
          return n;
        }),
      ),
    );
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(34);
  });

  it('keeps to the limit of a workspace, however many hosts it names, and leaves the rest to others', async () => {
    const pool = new CallPool({ total: 4, perWorkspace: 3, perHost: 2 });
    const { work, running } = held();
    const hosts = ['a', 'b', 'c', 'd', 'e'];
    for (const host of hosts) void pool.run(at(host, 'greedy'), patienceMs, work(host));
    void pool.run(at('a', 'modest'), patienceMs, work('modest'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(running).toEqual(['a', 'b', 'c', 'modest']);
  });

  it('gives up on what has found no room in time, and lets the others go on', async () => {
    const pool = new CallPool({ total: 1, perWorkspace: 1, perHost: 1 });
    const { work, running, endFirst } = held();
    void pool.run(at('slow'), patienceMs, work('first'));
    const late = pool.run(at('slow'), 1, work('late'));
    const patient = pool.run(at('slow'), patienceMs, work('patient'));
    expect(await late).toBeNull();
    await endFirst();
    expect(running).toEqual(['patient']);
    await endFirst();
    await patient;
  });
});
