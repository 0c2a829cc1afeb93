import { OneAtATime } from './one-at-a-time';

describe('one at a time', () => {
  it('begins nothing before what came first has ended, however it ended', async () => {
    const turns = new OneAtATime();
    const said: string[] = [];
    const work = (name: string, fails = false) =>
      turns.run(async () => {
        said.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        said.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const outcomes = await Promise.allSettled([work('a'), work('b', true), work('c')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(said).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });
});
