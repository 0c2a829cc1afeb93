import {
  requestView,
  taskView,
  type Actor,
  type RequestSnapshot,
  type RequestTransitioned,
} from '@countersign/contracts';
import type { ErasedRequests } from '@countersign/erasure';
import type { Sql } from '@countersign/persistence';

/**
 * Keeps what the feed will show of these transitions, and gives back those that were not kept before: a transition
 * that comes again in another message is nothing new. What is erased of a request is not kept.
 */
export const storeForFeed = async (
  sql: Sql,
  transitions: readonly RequestTransitioned[],
  erased: ErasedRequests,
): Promise<RequestTransitioned[]> => {
  const byKey = new Map(transitions.map((transition) => [keyOf(transition.request), transition]));
  const distinct = [...byKey.values()];
  const payloads = distinct.flatMap(({ request, revisionPayload }) =>
    revisionPayload ? [{ request, ...revisionPayload }] : [],
  );
  const rows = await sql.query<{ id: string; version: number }>(
    `WITH payload AS (
       INSERT INTO request_payload (request_id, revision, workspace_id, payload, request_version)
       SELECT * FROM unnest($5::uuid[], $6::int[], $7::uuid[], $8::json[], $9::int[])
       ON CONFLICT DO NOTHING
     )
     INSERT INTO transition (request_id, request_version, workspace_id, snapshot)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::json[])
     ON CONFLICT DO NOTHING
     RETURNING request_id AS id, request_version AS version`,
    [
      distinct.map(({ request }) => request.id),
      distinct.map(({ request }) => request.version),
      distinct.map(({ request }) => request.workspaceId),
      distinct.map(({ request }) => JSON.stringify(erased.redact(request.id, request))),
      payloads.map(({ request }) => request.id),
      payloads.map(({ revision }) => revision),
      payloads.map(({ request }) => request.workspaceId),
      payloads.map(({ request, payload }) =>
        JSON.stringify(erased.payload(request.id, request, payload.value)),
      ),
      payloads.map(({ request }) => request.version),
    ],
  );
  const stored = new Set(rows.map(keyOf));
  return distinct.filter(({ request }) => stored.has(keyOf(request)));
};

/** Keeps what the feed will show of events that are about no transition; answers which were not kept before. */
export const storeOperationalEvents = async (
  sql: Sql,
  events: readonly { workspaceId: string; id: string; data: Record<string, unknown> }[],
): Promise<Set<string>> => {
  const rows = await sql.query<{ id: string }>(
    `INSERT INTO operational_event (workspace_id, id, data)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::json[]) ON CONFLICT DO NOTHING RETURNING id`,
    [
      events.map(({ workspaceId }) => workspaceId),
      events.map(({ id }) => id),
      events.map(({ data }) => JSON.stringify(data)),
    ],
  );
  return new Set(rows.map(({ id }) => id));
};

const keyOf = ({ id, version }: { id: string; version: number }): string => `${id}/${version}`;

/** An event as the feed shows it: what a standard webhook has in its body, with the event's id. */
export interface FeedEvent {
  id: string;
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

interface Row {
  index: string;
  id: string;
  type: string;
  at: Date;
  task_id: string | null;
  actor: Actor;
  /** Null when the event is about no transition; then it has its data by itself. */
  snapshot: RequestSnapshot | null;
  operational: Record<string, unknown> | null;
  payload: unknown;
  is_early: boolean;
  /** Of all rows, those that do not fit into the page as well. */
  count: number;
  [column: string]: unknown;
}

/** A page ends with the event that goes beyond: 200 large ones would be 100 MB. */
const mostPageBytes = 8 * 1_024 * 1_024;

/** Entries that one statement looks at, and statements of a page that finds nothing. */
const lookedAt = 10_000;
const mostLooks = 10;

export interface FeedFilter {
  types: readonly string[];
  /** Workflows that the key may see; null for all. */
  allowed: string[] | null;
  after: string | null;
  limit: number;
}

export interface FeedPage {
  events: FeedEvent[];
  /** The index that the next page begins behind: also of an empty page as far as was looked. */
  next: number;
}

/**
 * Oldest first, after an index. Ends before an event whose payload is still on its way: transitions of a request may
 * overtake each other, and a reader never comes back. After a minute the event is shown without one.
 */
export const listEvents = async (sql: Sql, workspaceId: string, filter: FeedFilter): Promise<FeedPage> => {
  let after = Number(filter.after ?? -1);
  for (let look = 0; look < mostLooks; look += 1) {
    const rows = await readEvents(sql, workspaceId, filter, after);
    const early = rows.findIndex(({ is_early: isEarly }) => isEarly);
    const shown = rows.slice(0, early < 0 ? rows.length : early);
    const events = shown.map((row) => viewOf(workspaceId, row));
    const isCut = early >= 0 || rows.length === filter.limit || rows.length < (rows[0]?.count ?? 0);
    if (isCut) return { events, next: Number(shown.at(-1)?.index ?? after) };
    const [end] = await sql.query<{ index: string; count: number }>(
      `SELECT max(index) AS index, count(*)::int AS count
         FROM (SELECT index FROM entry WHERE workspace_id = $1 AND index > $2 ORDER BY index LIMIT ${lookedAt}) e`,
      [workspaceId, after],
    );
    if (end?.index) after = Number(end.index);
    if (events.length > 0 || (end?.count ?? 0) < lookedAt) return { events, next: after };
  }
  return { events: [], next: after };
};

const readEvents = (
  sql: Sql,
  workspaceId: string,
  { types, allowed, limit }: FeedFilter,
  after: number,
): Promise<Row[]> =>
  sql.query<Row>(
    `SELECT * FROM (SELECT e.index, e.id, e.type, e.at, e.task_id, e.content -> 'actor' AS actor, t.snapshot, p.payload, o.data AS operational,
            coalesce(sum(coalesce(octet_length(t.snapshot::text), 0) + coalesce(octet_length(p.payload::text), 0)) OVER (
              ORDER BY e.index ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before, count(*) OVER ()::int AS count,
            o.id IS NULL AND p.payload IS NULL AND e.recorded_at > now() - interval '1 minute' AS is_early
       FROM (SELECT * FROM (SELECT * FROM entry WHERE workspace_id = $1 AND index > $2 ORDER BY index LIMIT ${lookedAt}) c
              WHERE type = ANY ($3::text[]) AND ($5::text[] IS NULL OR workflow_key = ANY ($5)) ORDER BY index LIMIT $4) e
       LEFT JOIN transition t ON t.request_id = e.request_id AND t.request_version = e.request_version
       LEFT JOIN operational_event o ON o.workspace_id = e.workspace_id AND o.id = e.id
       LEFT JOIN LATERAL (
         SELECT payload FROM request_payload
          WHERE request_id = e.request_id AND revision = coalesce(t.snapshot ->> 'payloadRevision', t.snapshot ->> 'revision')::int
            AND request_version <= e.request_version
          ORDER BY request_version DESC LIMIT 1) p ON true) page
      WHERE bytes_before < ${mostPageBytes} ORDER BY index`,
    [workspaceId, after, types, limit, allowed],
  );

const viewOf = (workspaceId: string, row: Row): FeedEvent => ({
  id: row.id,
  type: row.type,
  timestamp: row.at.toISOString(),
  data: dataOf(workspaceId, row),
});

const dataOf = (workspaceId: string, row: Row): Record<string, unknown> => {
  const { snapshot, operational } = row;
  if (operational || !snapshot) return operational ?? { workspaceId, actor: row.actor };
  const task = snapshot.stages.flatMap(({ tasks }) => tasks).find(({ id }) => id === row.task_id);
  return {
    workspaceId,
    request: requestView(snapshot, row.payload),
    ...(task && row.type.startsWith('task.') ? { task: taskView(task) } : {}),
    actor: row.actor,
  };
};
