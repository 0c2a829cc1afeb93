import {
  eventTypes,
  requestView,
  taskView,
  type Actor,
  type RequestSnapshot,
  type RequestTransitioned,
} from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

/** Keeps what the feed will show of these transitions. */
export const storeForFeed = async (sql: Sql, transitions: readonly RequestTransitioned[]): Promise<void> => {
  const payloads = transitions.flatMap(({ request, revisionPayload }) =>
    revisionPayload ? [{ request, ...revisionPayload }] : [],
  );
  await sql.query(
    `WITH payload AS (
       INSERT INTO request_payload (request_id, revision, workspace_id, payload)
       SELECT * FROM unnest($5::uuid[], $6::int[], $7::uuid[], $8::json[])
     )
     INSERT INTO transition (request_id, request_version, workspace_id, snapshot)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::json[])`,
    [
      transitions.map(({ request }) => request.id),
      transitions.map(({ request }) => request.version),
      transitions.map(({ request }) => request.workspaceId),
      transitions.map(({ request }) => JSON.stringify(request)),
      payloads.map(({ request }) => request.id),
      payloads.map(({ revision }) => revision),
      payloads.map(({ request }) => request.workspaceId),
      payloads.map(({ payload }) => JSON.stringify(payload.value)),
    ],
  );
};

/** An event as the feed shows it: what a standard webhook has in its body, with the event's id. */
export interface FeedEvent {
  index: string;
  view: { id: string; type: string; timestamp: string; data: Record<string, unknown> };
}

interface Row {
  index: string;
  id: string;
  type: string;
  at: Date;
  task_id: string | null;
  actor: Actor;
  snapshot: RequestSnapshot;
  payload: unknown;
  [column: string]: unknown;
}

/** Oldest first, after an index. */
export const listEvents = async (
  sql: Sql,
  workspaceId: string,
  allowed: string[] | null,
  after: string | null,
  limit: number,
): Promise<FeedEvent[]> => {
  const rows = await sql.query<Row>(
    `SELECT e.index, e.id, e.type, e.at, e.task_id, e.content -> 'actor' AS actor, t.snapshot, p.payload
       FROM (SELECT * FROM entry WHERE workspace_id = $1 AND index > $2 AND type = ANY ($3::text[])
               AND ($5::text[] IS NULL OR workflow_key = ANY ($5)) ORDER BY index LIMIT $4) e
       JOIN transition t ON t.request_id = e.request_id AND t.request_version = e.request_version
       LEFT JOIN request_payload p ON p.request_id = e.request_id AND p.revision = (t.snapshot ->> 'revision')::int
      ORDER BY e.index`,
    [workspaceId, after ?? '-1', eventTypes, limit, allowed],
  );
  return rows.map((row) => {
    const task = row.snapshot.stages.flatMap(({ tasks }) => tasks).find(({ id }) => id === row.task_id);
    return {
      index: row.index,
      view: {
        id: row.id,
        type: row.type,
        timestamp: row.at.toISOString(),
        data: {
          workspaceId,
          request: requestView(row.snapshot, row.payload),
          ...(task && row.type.startsWith('task.') ? { task: taskView(task) } : {}),
          actor: row.actor,
        },
      },
    };
  });
};
