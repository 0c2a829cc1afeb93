import { roomTaker } from './room-taker';

describe('room for calls', () => {
  it('is counted for each place, over everything that is handled together', () => {
    const asked: string[] = [];
    const take = roomTaker((key) => {
      asked.push(key);
      return key === 'a' ? 2 : 0;
    });
    expect(['a', 'b', 'a', 'a', 'b', 'a'].map(take)).toEqual([true, false, true, false, false, false]);
    expect(asked).toEqual(['a', 'b']);
  });
});
