import { TaskArrivals } from './task-arrivals';

describe('task arrivals', () => {
  it('end the wait of everybody who waits for the task, and of nobody else', async () => {
    const arrivals = new TaskArrivals();
    const ended: string[] = [];
    const waits = ['a', 'a', 'b'].map((id) => arrivals.wait(id, 200).then(() => ended.push(id)));
    arrivals.arrived(['c', 'a']);
    await Promise.all(waits.slice(0, 2));
    expect(ended).toEqual(['a', 'a']);
    await waits[2];
    expect(ended).toEqual(['a', 'a', 'b']);
  });

  it('do not hold a call up for longer than it has patience', async () => {
    await expect(new TaskArrivals().wait('a', 5)).resolves.toBeUndefined();
  });
});
