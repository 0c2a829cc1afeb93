import { DueSweeper } from './due-sweeper';

describe('the sweeper', () => {
  let sweeper: DueSweeper;
  let looks: number[];
  const faults: unknown[] = [];
  const watch = (sweep: () => Promise<number | null>, idleMs?: number) => {
    looks = [];
    faults.length = 0;
    const from = Date.now();
    sweeper = new DueSweeper(
      () => {
        looks.push(Date.now() - from);
        return sweep();
      },
      (error) => faults.push(error),
      idleMs,
    );
    sweeper.start();
  };
  beforeEach(() => jest.useFakeTimers());
  afterEach(async () => {
    const stopped = sweeper.stop();
    await jest.advanceTimersByTimeAsync(1_000);
    await stopped;
    jest.useRealTimers();
  });

  it('looks once a second while nothing is known to be due', async () => {
    watch(() => Promise.resolve(null));
    await jest.advanceTimersByTimeAsync(3_500);
    expect(looks).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('looks as seldom as it is told to', async () => {
    watch(() => Promise.resolve(null), 10_000);
    await jest.advanceTimersByTimeAsync(25_000);
    expect(looks).toEqual([0, 10_000, 20_000]);
  });

  it('looks exactly when something is due, and when somebody says so', async () => {
    const answers = [300, null];
    watch(() => Promise.resolve(answers.shift() ?? null));
    await jest.advanceTimersByTimeAsync(400);
    sweeper.wakeIn(50);
    sweeper.wakeIn(500);
    await jest.advanceTimersByTimeAsync(100);
    expect(looks).toEqual([0, 300, 450]);
  });

  it('does not miss what is announced while it looks', async () => {
    watch(() => new Promise((resolve) => setTimeout(() => resolve(null), 200)));
    await jest.advanceTimersByTimeAsync(100);
    sweeper.wakeIn(120);
    await jest.advanceTimersByTimeAsync(200);
    expect(looks).toEqual([0, 220]);
  });

  it('goes on after a fault, and not after it was stopped', async () => {
    watch(() => Promise.reject(new Error('away')));
    await jest.advanceTimersByTimeAsync(1_500);
    expect([looks, faults.length]).toEqual([[0, 1_000], 2]);
    await sweeper.stop();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(looks).toHaveLength(2);
  });
});
