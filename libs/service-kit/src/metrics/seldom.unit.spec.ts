import { Seldom } from './seldom';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const taking = (ms: number) => {
  const looks: number[] = [];
  const seldom = new Seldom(async () => {
    looks.push(performance.now());
    await new Promise((resolve) => setTimeout(resolve, ms));
    return looks.length;
  });
  const ask = async (waitMs: number) => {
    const answer = seldom.ask();
    await jest.advanceTimersByTimeAsync(waitMs);
    return answer;
  };
  return { looks, seldom, ask };
};

describe('what is looked at seldom', () => {
  it('is looked at once for all who ask at the same time and within a second', async () => {
    const { looks, seldom, ask } = taking(10);
    const answers = Promise.all([seldom.ask(), seldom.ask(), ask(10)]);
    expect(await answers).toEqual([1, 1, 1]);
    await jest.advanceTimersByTimeAsync(900);
    expect(await ask(0)).toBe(1);
    await jest.advanceTimersByTimeAsync(200);
    expect(await ask(10)).toBe(2);
    expect(looks).toHaveLength(2);
  });

  it('gives no answer after 0.8 s, and has it ready for who asks later', async () => {
    const { looks, ask } = taking(3_000);
    expect(await ask(800)).toBeNull();
    await jest.advanceTimersByTimeAsync(2_200);
    expect(await ask(0)).toBe(1);
    expect(looks).toHaveLength(1);
  });

  it('rests ten times as long as a look took', async () => {
    const { ask, looks } = taking(500);
    await ask(500);
    await jest.advanceTimersByTimeAsync(4_900);
    await ask(500);
    expect(looks).toHaveLength(1);
    await ask(500);
    expect(looks).toHaveLength(2);
  });

  it('does not look again at once after a failure', async () => {
    let looks = 0;
    const seldom = new Seldom(async () => {
      looks++;
      throw new Error('away');
    });
    expect(await seldom.ask()).toBeNull();
    expect(await seldom.ask()).toBeNull();
    expect(looks).toBe(1);
  });
});
