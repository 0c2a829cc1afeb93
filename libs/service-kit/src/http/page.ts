import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Problem } from './problem';

/** Query of every list (product §3). */
export class PageQuery {
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(200) limit: number = 50;
  @IsOptional() @IsString() @MaxLength(500) cursor?: string;
}

/**
 * A cursor names the last row seen, so a list is stable while rows are added. `list` says which list it belongs
 * to: a cursor of another list is refused as a bad one.
 */
export const encodeCursor = (list: string, position: string): string =>
  Buffer.from(JSON.stringify([list, position])).toString('base64url');

/** The position in a cursor; null without one. Throws Problem validation_failed for one that is not ours. */
export const decodeCursor = (list: string, cursor: string | undefined, format: RegExp): string | null => {
  if (cursor === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed.length === 2 && parsed[0] === list && format.test(String(parsed[1])))
      return String(parsed[1]);
  } catch {
    // falls through: not ours
  }
  throw Problem.invalid([{ pointer: '/query/cursor', message: 'This is not a cursor of this list.' }]);
};

export const idPosition = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A page of rows that were read with `limit + 1`; without a `view` they are shown as they are. */
export const pageOf = <Row, View = Row>(
  list: string,
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => string,
  view: (row: Row) => View = (row) => row as unknown as View,
): { data: View[]; nextCursor: string | null } => {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(view),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(list, position(last)) : null,
  };
};

/** JSON Schema of such a page, for the OpenAPI document. */
export const pageSchema = (items: object) => ({
  type: 'object',
  required: ['data', 'nextCursor'],
  properties: { data: { type: 'array', items }, nextCursor: { type: ['string', 'null'] } },
});
