import type { Sql } from '@countersign/persistence';

/**
 * Which of these people are asked in which requests, in the order of the requests' ids: those of at most `limit`
 * requests. `last` is the last of them when there may be more.
 */
export const findRequestsOf = async (
  sql: Sql,
  workspaceId: string,
  people: readonly string[],
  after: string | null,
  limit: number,
): Promise<{ asked: { requestId: string; personId: string }[]; last: string | null }> => {
  const asked = await sql.query<{ requestId: string; personId: string }>(
    `WITH page AS (
       SELECT DISTINCT request_id FROM asked_person
        WHERE workspace_id = $1 AND person_id = ANY ($2::uuid[]) AND ($3::uuid IS NULL OR request_id > $3)
        ORDER BY request_id LIMIT $4
     )
     SELECT a.request_id AS "requestId", a.person_id AS "personId" FROM page
       JOIN asked_person a ON a.request_id = page.request_id AND a.person_id = ANY ($2::uuid[])
      ORDER BY a.request_id, a.person_id`,
    [workspaceId, people, after, limit],
  );
  const requests = new Set(asked.map(({ requestId }) => requestId));
  return { asked, last: requests.size === limit ? (asked.at(-1)?.requestId ?? null) : null };
};
