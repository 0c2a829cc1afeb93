import { canonicalJson } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { continuedType } from '../log/split-entry';
import type { OpenEntry } from '../log/stored-entries';

/** No retention is shorter than 30 days; a sweep goes on while things grow old. */
const shortestRetention = '29 days';
/** The first entries of a request that are looked at for its creation: transitions may overtake each other. */
const firstEntries = 50;

/** What of an entry stands in columns beside its leaf. */
export interface Columns {
  actorId: string | null;
  workflowKey: string | null;
}

/** What must be known of the rest of the log to check some entries. */
export interface BesideEntries {
  /** By request: the workflow that its creation says. */
  workflows: ReadonlyMap<string, string>;
  /** By id: the columns of facts that are continued by these entries. */
  continued: ReadonlyMap<string, Columns>;
  /** `index/position` of what is sealed and gone, though no erasure that the log tells of covers it. */
  unexplained: ReadonlySet<string>;
  /** Indexes of entries whose payload is not kept as they brought it, though nobody has erased it. */
  otherPayloads: ReadonlySet<bigint>;
}

/**
 * @param prunedAt when the log was last pruned: an erasure from long before it may have no entry any more
 */
export const readBeside = async (
  sql: Sql,
  workspaceId: string,
  entries: readonly OpenEntry[],
  prunedAt: Date | null,
): Promise<BesideEntries> => {
  const [workflows, continued, unexplained, otherPayloads] = [
    await readWorkflows(sql, workspaceId, entries),
    await readContinued(sql, workspaceId, entries),
    await readUnexplained(sql, workspaceId, entries, prunedAt),
    await readOtherPayloads(sql, workspaceId, entries, prunedAt),
  ];
  return { workflows, continued, unexplained, otherPayloads };
};

const readWorkflows = async (
  sql: Sql,
  workspaceId: string,
  entries: readonly OpenEntry[],
): Promise<Map<string, string>> => {
  const ids = [...new Set(entries.flatMap(({ requestId }) => requestId ?? []))];
  if (ids.length === 0) return new Map();
  const rows = await sql.query<{ request_id: string; key: string | null }>(
    `SELECT r.request_id, c.content #>> '{workflow,key}' AS key FROM unnest($2::uuid[]) AS r (request_id)
      CROSS JOIN LATERAL (
        SELECT content FROM (
          SELECT type, content FROM entry WHERE workspace_id = $1 AND request_id = r.request_id ORDER BY index LIMIT ${firstEntries}) e
         WHERE type = 'request.created' LIMIT 1) c`,
    [workspaceId, ids],
  );
  return new Map(rows.flatMap(({ request_id: id, key }) => (key === null ? [] : [[id, key]])));
};

const readContinued = async (
  sql: Sql,
  workspaceId: string,
  entries: readonly OpenEntry[],
): Promise<Map<string, Columns>> => {
  const parts = entries.filter(({ type }) => type === continuedType);
  if (parts.length === 0) return new Map();
  const rows = await sql.query<Columns & { id: string }>(
    `SELECT e.id, e.actor_id AS "actorId", e.workflow_key AS "workflowKey"
       FROM (SELECT DISTINCT content ->> 'continues' AS id FROM entry
              WHERE workspace_id = $1 AND index = ANY ($2::bigint[])) p
       JOIN entry e ON e.workspace_id = $1 AND e.id::text = p.id`,
    [workspaceId, parts.map(({ index }) => String(index))],
  );
  return new Map(rows.map(({ id, ...columns }) => [id, columns]));
};

/**
 * That the log tells of an erasure `x`, in the entry that it names: looked up by its id, for there may be very many of the type. One
 * that is so much older than the last pruning ($3, null: never) that its entry may be gone is believed without.
 */
const isTold = `(x.requested_at < $3::timestamptz - interval '${shortestRetention}' OR (
  SELECT t.type = 'erasure.requested' AND t.content ->> 'erasureId' = x.id::text
     AND t.content ->> 'subject' IS NOT DISTINCT FROM x.subject::text
    FROM entry t WHERE t.workspace_id = $1 AND t.id = x.entry_id))`;

/** Every erasure is of requests, of a person until then, or of what was about no request and had its time. */
const readUnexplained = async (
  sql: Sql,
  workspaceId: string,
  entries: readonly OpenEntry[],
  prunedAt: Date | null,
): Promise<Set<string>> => {
  const gone = entries.filter(({ sealed }) => sealed.some(({ salt }) => salt === null));
  if (gone.length === 0) return new Set();
  const rows = await sql.query<{ index: string; position: number }>(
    `SELECT s.index, s.position FROM unnest($2::bigint[]) AS g (index)
       JOIN entry e ON e.workspace_id = $1 AND e.index = g.index
       JOIN sealed s ON s.workspace_id = $1 AND s.index = g.index
      WHERE s.salt IS NULL
        AND NOT EXISTS (SELECT FROM erasure_request r JOIN erasure x ON x.id = r.erasure_id
                         WHERE r.request_id = e.request_id AND ${isTold})
        AND NOT EXISTS (SELECT FROM erasure x WHERE x.subject = s.subject AND x.requested_at >= e.at AND ${isTold})
        AND NOT (e.request_id IS NULL AND EXISTS (
          SELECT FROM erasure x WHERE x.workspace_id = $1 AND x.subject IS NULL
             AND x.requested_at >= e.at + interval '${shortestRetention}' AND ${isTold}))`,
    [workspaceId, gone.map(({ index }) => String(index)), prunedAt],
  );
  return new Set(rows.map(({ index, position }) => `${index}/${position}`));
};

/** Payloads are sent only when they are not, letter by letter, the same: then their RFC 8785 JSON decides. */
const readOtherPayloads = async (
  sql: Sql,
  workspaceId: string,
  entries: readonly OpenEntry[],
  prunedAt: Date | null,
): Promise<Set<bigint>> => {
  const bringers = entries.filter(
    ({ sealed, requestId, requestVersion }) =>
      requestId !== null && requestVersion !== null && sealed.some(({ kind }) => kind === 'payload'),
  );
  if (bringers.length === 0) return new Set();
  const rows = await sql.query<{ index: string; payload: string | null; data: string }>(
    `SELECT e.index, p.payload::text AS payload, s.data::text AS data FROM unnest($2::bigint[]) AS g (index)
       JOIN entry e ON e.workspace_id = $1 AND e.index = g.index
       JOIN sealed s ON s.workspace_id = $1 AND s.index = e.index AND s.kind = 'payload' AND s.salt IS NOT NULL
       LEFT JOIN request_payload p ON p.workspace_id = $1 AND p.request_id = e.request_id AND p.request_version = e.request_version
      WHERE s.data::text IS DISTINCT FROM p.payload::text
        AND NOT EXISTS (SELECT FROM erasure_request r JOIN erasure x ON x.id = r.erasure_id
                         WHERE r.request_id = e.request_id AND ${isTold})`,
    [workspaceId, bringers.map(({ index }) => String(index)), prunedAt],
  );
  return new Set(rows.flatMap(({ index, payload, data }) => (isSame(payload, data) ? [] : [BigInt(index)])));
};

const isSame = (payload: string | null, data: string): boolean => {
  try {
    return payload !== null && canonicalJson(JSON.parse(payload)) === canonicalJson(JSON.parse(data));
  } catch {
    return false;
  }
};
