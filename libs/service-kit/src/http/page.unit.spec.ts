import { v7 } from 'uuid';
import { decodeCursor, encodeCursor, idPosition, pageOf } from './page';
import { Problem } from './problem';

const id = (row: { id: string }) => row.id;

describe('a page', () => {
  it('has a cursor when there is another one, and none at the end', () => {
    const rows = [{ id: v7() }, { id: v7() }, { id: v7() }];
    const first = pageOf('things', rows, 2, id, id);
    expect(first.data).toEqual(rows.slice(0, 2).map(id));
    expect(decodeCursor('things', first.nextCursor ?? undefined, idPosition)).toBe(rows[1]?.id);
    expect(pageOf('things', rows.slice(2), 2, id, id).nextCursor).toBeNull();
  });

  it.each([
    ['garbage', 'garbage'],
    ['empty', ''],
    ['of another list', encodeCursor('others', v7())],
    ['with a position that is none', encodeCursor('things', "'; drop table request")],
    ['that is JSON of another kind', Buffer.from('{"a":1}').toString('base64url')],
  ])('refuses a cursor that is not ours: %s', (_what, cursor) => {
    expect(() => decodeCursor('things', cursor, idPosition)).toThrow(Problem);
  });
});
