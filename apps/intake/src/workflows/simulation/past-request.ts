import type { RequestSnapshot, Requester } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import type { GivenDecision } from '@countersign/workflow';

/** A request that was handed in, with the payload that is, or was last, under review. */
export interface PastRequest {
  id: string;
  snapshot: RequestSnapshot;
  payload: unknown;
  /** As at submission. */
  requester: Requester;
}

export interface Period {
  workspaceId: string;
  workflowKey: string;
  from: string;
  to: string;
}

/** The newest requests of a workflow in a period, with the bytes that each takes. */
export const listPastRequests = (
  sql: Sql,
  { workspaceId, workflowKey, from, to }: Period,
  limit: number,
): Promise<{ id: string; bytes: number }[]> =>
  sql.query<{ id: string; bytes: number }>(
    `SELECT r.id, octet_length(r.snapshot::text) + octet_length(p.payload::text) AS bytes
       FROM (SELECT * FROM request WHERE workspace_id = $1 AND workflow_key = $2 AND created_at >= $3 AND created_at < $4
                AND snapshot->>'submittedAt' IS NOT NULL
              ORDER BY id DESC LIMIT $5) r
       JOIN request_payload p ON p.request_id = r.id AND p.revision = (r.snapshot->>'revision')::int
      ORDER BY r.id DESC`,
    [workspaceId, workflowKey, from, to, limit],
  );

/** These requests, newest first. */
export const findPastRequests = async (sql: Sql, ids: readonly string[]): Promise<PastRequest[]> => {
  const rows = await sql.query<Omit<PastRequest, 'requester'> & { requester: Requester | null }>(
    `SELECT r.id, r.snapshot, r.requester, p.payload FROM request r
       JOIN request_payload p ON p.request_id = r.id AND p.revision = (r.snapshot->>'revision')::int
      WHERE r.id = ANY ($1::uuid[]) ORDER BY r.id DESC`,
    [ids],
  );
  return rows.map(({ requester, ...row }) => ({ ...row, requester: requester ?? plain(row.snapshot) }));
};

/** Of requests from before it was kept, only who it was is known. */
const plain = ({ requester }: RequestSnapshot): Requester => ({
  ...requester,
  department: null,
  region: null,
  approvalLimit: null,
  groups: [],
  manager: null,
});

/** What people answered in the last round, in the order in which they did; what was dismissed does not count. */
export const decisionsOf = ({ stages, submittedAt }: RequestSnapshot): GivenDecision[] =>
  stages
    .flatMap(({ tasks }) => tasks)
    .flatMap(({ stageKey, state, decision, decidedBy, decidedAt }) =>
      decision && decidedBy && decidedAt && state !== 'dismissed' && decidedAt >= (submittedAt ?? '')
        ? [{ stage: stageKey, by: decidedBy, decision, at: decidedAt }]
        : [],
    )
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ stage, by, decision }) => ({ stage, by, decision }));
