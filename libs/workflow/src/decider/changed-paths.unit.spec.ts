import { changedPaths } from './changed-paths';

const members = (count: number, value: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, value]));

describe('what has changed in a payload', () => {
  it('is told by the paths of the members that differ, and of lists as a whole', () => {
    const before = { same: { a: 1 }, sum: 1, gone: null, deep: { x: { y: 1 }, z: 0 }, list: [1, { a: 1 }] };
    const after = { list: [1, { a: 2 }], same: { a: 1 }, sum: 2, deep: { z: 0, x: { y: 2 } }, fresh: {} };
    expect(changedPaths(before, after, 'payload').sort()).toEqual([
      'payload.deep.x.y',
      'payload.fresh',
      'payload.gone',
      'payload.list',
      'payload.sum',
    ]);
    expect(changedPaths(before, before, 'payload')).toEqual([]);
    expect(changedPaths([1], { a: 1 }, 'payload')).toEqual(['payload']);
  });

  it('is an object as a whole when too much of it has', () => {
    const change = (count: number) =>
      changedPaths({ lines: members(count, 1), sum: 1 }, { lines: members(count, 2), sum: 2 }, 'payload');
    expect(change(999)).toHaveLength(1_000);
    expect(change(1_001)).toEqual(['payload.lines', 'payload.sum']);
  });

  it('is not told at more length than the payload has, however long the names are that its paths repeat', () => {
    const name = 'n'.repeat(60_000);
    const change = changedPaths(
      { [name]: members(15_000, 1), a: 1 },
      { [name]: members(15_000, 2), a: 1 },
      'payload',
    );
    expect(change).toEqual(['payload']);
    const known = 'n'.repeat(480);
    expect(
      changedPaths({ [known]: { member_of_it: 1 } }, { [known]: { member_of_it: 2 } }, 'payload'),
    ).toEqual([`payload.${known}`]);
    expect(changedPaths({ [name]: { a: 1 }, b: 1 }, { [name]: { a: 1 }, b: 2 }, 'payload')).toEqual([
      'payload.b',
    ]);
  });
});
