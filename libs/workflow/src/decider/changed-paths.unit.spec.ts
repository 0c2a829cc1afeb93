import { changedPaths, Changes } from './changed-paths';

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

describe('what a change touches', () => {
  const touched = (before: unknown, after: unknown, ...reads: string[]) => {
    const changes = new Changes(['request.title'], before, after);
    return reads.filter((read) => changes.touch(read));
  };

  it('is what differs where it is read, above or below', () => {
    const before = { a: { b: 1, c: 1 }, list: [{ x: 1 }], same: 1, gone: null };
    const after = { a: { b: 2, c: 1 }, list: [{ x: 2 }], same: 1, fresh: null };
    const reads = [
      'payload',
      'a',
      'a.b',
      'a.b.z',
      'a.c',
      'list.x',
      'same',
      'same.x',
      'gone',
      'fresh',
      'absent',
    ];
    const paths = reads.map((read) => (read === 'payload' ? read : `payload.${read}`));
    expect(touched(before, after, ...paths)).toEqual([
      'payload',
      'payload.a',
      'payload.a.b',
      'payload.a.b.z',
      'payload.list.x',
      'payload.gone',
      'payload.fresh',
    ]);
    expect(touched(1, 1, 'request.title', 'request', 'request.revision', 'payload')).toEqual([
      'request.title',
      'request',
    ]);
  });

  it('is no more than that however much has changed', () => {
    const before = { ...members(5_000, 1), x: 1, y: 1 };
    expect(touched(before, { ...members(5_000, 2), x: 1, y: 2 }, 'payload.x', 'payload.y')).toEqual([
      'payload.y',
    ]);
  });
});
