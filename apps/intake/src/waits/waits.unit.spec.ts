import { Waits } from './waits';

const setUp = (look: ConstructorParameters<typeof Waits<string, number>>[0] = () => Promise.resolve()) => {
  const faults: unknown[] = [];
  return { waits: new Waits<string, number>(look, (error) => faults.push(error)), faults };
};

describe('waits', () => {
  let waits: Waits<string, number>;
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    waits.close();
    jest.useRealTimers();
  });

  it('end with what this process has done itself, at once', async () => {
    ({ waits } = setUp());
    const [first, second] = [waits.wait('a', 1_000), waits.wait('b', 1_000)];
    for (const { about, end } of waits) if (about === 'a') end(1);
    await expect(first).resolves.toBe(1);
    expect([...waits].map(({ about }) => about)).toEqual(['b']);
    waits.close();
    await expect(second).resolves.toBeNull();
  });

  it('end with what another replica has done, found by one look for all', async () => {
    const looks: string[][] = [];
    ({ waits } = setUp(async (all) => {
      looks.push(all.map(({ about }) => about));
      all.forEach(({ end }) => end(2));
    }));
    const both = Promise.all([waits.wait('a', 1_000), waits.wait('b', 1_000)]);
    await jest.advanceTimersByTimeAsync(100);
    await expect(both).resolves.toEqual([2, 2]);
    expect(looks).toEqual([['a', 'b']]);
  });

  it('end without an outcome when patience does', async () => {
    ({ waits } = setUp());
    const wait = waits.wait('a', 120);
    await jest.advanceTimersByTimeAsync(120);
    await expect(wait).resolves.toBeNull();
  });

  it('are refused at once when too many are open, or when it is over', async () => {
    ({ waits } = setUp());
    const open = Array.from({ length: 1_000 }, () => waits.wait('a', 1_000));
    await expect(waits.wait('b', 1_000)).resolves.toBeNull();
    waits.close();
    await expect(Promise.all(open)).resolves.toEqual(open.map(() => null));
    await expect(waits.wait('b', 1_000)).resolves.toBeNull();
  });

  it('survive a look that fails, and never look twice at once', async () => {
    let looks = 0;
    const setup = setUp((all) => {
      looks++;
      if (looks === 1) return Promise.reject(new Error('away'));
      return new Promise((resolve) =>
        setTimeout(() => {
          all.forEach(({ end }) => end(3));
          resolve();
        }, 200),
      );
    });
    waits = setup.waits;
    const wait = waits.wait('a', 1_000);
    await jest.advanceTimersByTimeAsync(400);
    await expect(wait).resolves.toBe(3);
    expect([looks, setup.faults.length]).toEqual([2, 1]);
  });
});
