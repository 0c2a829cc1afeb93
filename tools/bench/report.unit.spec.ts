import { summarize, tables } from './report.mjs';

describe('the report of a bench', () => {
  const leg = (p50: number, p99: number) => ({ p50, p99 });
  const run = (contestant: string, inFlight: number, perSecond: number, more = {}) => ({
    contestant,
    inFlight,
    round: 1,
    lifecycles: 2_000,
    seconds: 2_000 / perSecond,
    perSecond,
    legs: { submit: leg(1, 2) },
    cpuSecondsPer1000: { [contestant]: 3, postgres: 4 },
    driverCpuSecondsPer1000: 1,
    commitsPerLifecycle: 3,
    redisCommandsPerLifecycle: 0,
    redisCommands: {},
    ...more,
  });

  it('compares Countersign with each contestant at the same load', () => {
    const summary = summarize([
      run('countersign', 4, 30),
      run('floor', 4, 120),
      run('countersign', 64, 200),
      run('restate', 64, 100),
      run('floor', 64, 800),
    ]);
    expect(
      summary.map(({ inFlight, contestant, ours }) => `${contestant} at ${inFlight}: ${ours}`).sort(),
    ).toEqual([
      'countersign at 4: 1',
      'countersign at 64: 1',
      'floor at 4: 0.25',
      'floor at 64: 0.25',
      'restate at 64: 2',
    ]);
  });

  it('takes the median of the rounds, of each figure by itself', () => {
    const [summary] = summarize([
      run('countersign', 4, 30, { legs: { submit: leg(1, 9) }, cpuSecondsPer1000: { intake: 5 } }),
      run('countersign', 4, 10, { legs: { submit: leg(3, 5) }, cpuSecondsPer1000: { intake: 1 } }),
      run('countersign', 4, 20, { legs: { submit: leg(2, 7) }, cpuSecondsPer1000: { intake: 3 } }),
    ]);
    expect(summary).toMatchObject({
      perSecond: 20,
      legs: { submit: { p50: 2, p99: 7 } },
      cpuSecondsPer1000: { intake: 3 },
    });
  });

  it('tells round trips to Redis from the commands inside scripts', () => {
    const redisCommands = { evalsha: 20, fcall: 1, hset: 79 };
    const summary = summarize([run('bullmq', 4, 30, { redisCommandsPerLifecycle: 100, redisCommands })]);
    expect(tables(summary)).toContain('100 / 21.0');
  });

  it('shows CPU that cannot be told as unknown', () => {
    const summary = summarize([run('countersign', 4, 30, { cpuSecondsPer1000: undefined })]);
    expect(tables(summary)).toMatch(/countersign .* \?$/m);
  });
});
