import { inOrder } from './bulk-order';

describe('the order of a bulk', () => {
  it('is that of the operations when they do not refer to each other', () =>
    expect(inOrder([[], [], []])).toEqual([[0], [1], [2]]));

  it('has what is referred to first', () =>
    expect(inOrder([[2], [0], [], [1]])).toEqual([[2], [0], [1], [3]]));

  it('keeps together what goes in a circle', () =>
    expect(inOrder([[1], [2], [0], [1], []])).toEqual([[0, 1, 2], [3], [4]]));

  it('stands a chain of the longest bulk', () => {
    const chain = Array.from({ length: 1_000 }, (_, n) => (n < 999 ? [n + 1] : []));
    expect(inOrder(chain).flat()).toEqual(chain.map((_, n) => 999 - n));
  });
});
