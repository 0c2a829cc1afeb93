import type { Sql } from '@countersign/persistence';
import type { Page } from './search';

/** Groups in a page that shows their members, of whom each may have tens of thousands. */
export const mostWithMembers = 20;

/** Members in such a page; a group that has more by itself is shown without others that have any. */
const mostMembers = 20_000;

/**
 * As much of a page as may be shown with the members of its groups. A client gets fewer than it asked for
 * (RFC 7644 §3.4.2.4), and goes on after them.
 */
export const cutByMembers = async (sql: Sql, found: Page['found']): Promise<Page['found']> => {
  const rows = await sql.query<{ id: string; members: string }>(
    `SELECT g.id, (
       SELECT count(*) FROM (
         SELECT FROM membership m WHERE m.group_id = g.id
          UNION ALL
         SELECT FROM group_nesting n WHERE n.group_id = g.id
          LIMIT $2
       ) member
     ) AS members FROM unnest($1::uuid[]) AS g (id)`,
    [found.filter(({ kind }) => kind === 'Group').map(({ id }) => id), mostMembers + 1],
  );
  const members = new Map(rows.map((row) => [row.id, Number(row.members)]));
  let sum = 0;
  const end = found.findIndex(({ id }) => {
    const more = members.get(id) ?? 0;
    const isTooMuch = sum > 0 && more > 0 && sum + more > mostMembers;
    sum += more;
    return isTooMuch;
  });
  return end < 0 ? found : found.slice(0, end);
};
