import type { Sql } from '@countersign/persistence';

/** Sorts before every id of a request. */
const beforeAll = '00000000-0000-0000-0000-000000000000';

/**
 * Which of these people are asked in which requests, in the order of the requests' ids: those of at most `limit`
 * requests. `last` is the last of them when there may be more. Reads as many rows a person, however many they are asked in.
 */
export const findRequestsOf = async (
  sql: Sql,
  workspaceId: string,
  people: readonly string[],
  after: string | null,
  limit: number,
): Promise<{ asked: { requestId: string; personId: string }[]; last: string | null }> => {
  const asked = await sql.query<{ requestId: string; personId: string }>(
    `WITH found AS (
       SELECT found.request_id, leaver.person_id FROM unnest($2::uuid[]) AS leaver (person_id)
        CROSS JOIN LATERAL (
          SELECT a.request_id FROM asked_person a
           WHERE a.workspace_id = $1 AND a.person_id = leaver.person_id AND a.request_id > $3
           ORDER BY a.request_id LIMIT $4
        ) found
     ), page AS (
       SELECT DISTINCT request_id FROM found ORDER BY request_id LIMIT $4
     )
     SELECT found.request_id AS "requestId", found.person_id AS "personId" FROM found JOIN page USING (request_id)
      ORDER BY found.request_id, found.person_id`,
    [workspaceId, [...new Set(people)], after ?? beforeAll, limit],
  );
  const requests = new Set(asked.map(({ requestId }) => requestId));
  return { asked, last: requests.size === limit ? (asked.at(-1)?.requestId ?? null) : null };
};
