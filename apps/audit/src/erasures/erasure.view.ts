import type { Counts } from '@countersign/erasure';
import type { Sql } from '@countersign/persistence';
import type { ErasureRow } from './erasure.rows';

/** Requests that an answer names. */
const mostNamed = 200;

const ids = { type: 'array', items: { type: 'string', format: 'uuid' } };
const time = { type: 'string', format: 'date-time' };

export const erasureSchema = {
  type: 'object',
  required: [
    'id',
    'subject',
    'state',
    'requestedAt',
    'requestedBy',
    'reason',
    'completedAt',
    'requests',
    'services',
  ],
  properties: {
    id: { type: 'string', format: 'uuid' },
    subject: {
      type: ['string', 'null'],
      format: 'uuid',
      description: 'Id of the person; null: everybody in requests whose retention is over',
    },
    state: {
      type: 'string',
      enum: ['running', 'held', 'waiting', 'done'],
      description:
        'held: a legal hold covers the subject or a request. waiting: for the end of requests that still run',
    },
    requestedAt: time,
    requestedBy: { type: 'object' },
    reason: {
      type: ['string', 'null'],
      description: 'Null once whoever gave it has been erased, or the entry pruned',
    },
    completedAt: { ...time, type: ['string', 'null'] },
    requests: {
      type: 'object',
      properties: { total: { type: 'integer' }, erased: { type: 'integer' }, waiting: { type: 'integer' } },
    },
    waitingFor: { ...ids, description: `Requests that still run, ${mostNamed} at most` },
    heldBy: { ...ids, description: 'Legal holds' },
    directory: {
      type: ['string', 'null'],
      enum: ['kept', 'erased', null],
      description:
        'kept: the person is active, and their record belongs to the identity provider. null: there is none, or not known yet',
    },
    sealed: {
      type: 'integer',
      description: 'Parts of entries of the log that have become unreadable at once',
    },
    services: { type: 'object', description: 'By service, how much has changed, by kind' },
  },
};

interface Row extends ErasureRow {
  reason: string | null;
  total: number;
  erased: number;
  waiting: number;
  waiting_for: string[];
  parts: { service: string; counts: Counts | null }[] | null;
}

const select = `
  SELECT e.*, s.data #>> '{}' AS reason, r.total, r.erased, r.waiting,
         ARRAY (SELECT request_id FROM erasure_request WHERE erasure_id = e.id AND state = 'waiting' ORDER BY request_id LIMIT ${mostNamed}) AS waiting_for,
         (SELECT json_agg(json_build_object('service', service, 'counts', counts)) FROM erasure_part WHERE erasure_id = e.id) AS parts
    FROM erasure e
    LEFT JOIN entry n ON n.workspace_id = e.workspace_id AND n.id = e.entry_id
    LEFT JOIN sealed s ON s.workspace_id = n.workspace_id AND s.index = n.index AND s.kind = 'reason'
   CROSS JOIN LATERAL (SELECT count(*)::int AS total, count(*) FILTER (WHERE state = 'done')::int AS erased,
                              count(*) FILTER (WHERE state = 'waiting')::int AS waiting
                         FROM erasure_request WHERE erasure_id = e.id) r`;

const viewOf = (row: Row) => {
  const services: Record<string, Counts> = {};
  for (const { service, counts } of row.parts ?? []) {
    const sum = (services[service] ??= {});
    for (const [kind, count] of Object.entries(counts ?? {})) sum[kind] = (sum[kind] ?? 0) + count;
  }
  const { directory, directoryKept } = services['approver-resolution'] ?? {};
  return {
    id: row.id,
    subject: row.subject,
    state: row.state,
    requestedAt: row.requested_at.toISOString(),
    requestedBy: row.requested_by,
    reason: row.reason,
    completedAt: row.state === 'done' ? (row.completed_at?.toISOString() ?? null) : null,
    requests: { total: row.total, erased: row.erased, waiting: row.waiting },
    waitingFor: row.waiting_for,
    heldBy: row.held_by,
    directory: directoryKept ? 'kept' : directory ? 'erased' : null,
    sealed: row.counts.sealed ?? 0,
    services,
  };
};

export type ErasureView = ReturnType<typeof viewOf>;

export const findErasure = async (sql: Sql, workspaceId: string, id: string): Promise<ErasureView | null> => {
  const [row] = await sql.query<Row>(`${select} WHERE e.workspace_id = $1 AND e.id = $2`, [workspaceId, id]);
  return row ? viewOf(row) : null;
};

/** Newest first, before a position; one row more than the page. */
export const listErasures = async (
  sql: Sql,
  workspaceId: string,
  before: string | null,
  limit: number,
): Promise<ErasureView[]> =>
  (
    await sql.query<Row>(
      `${select} WHERE e.workspace_id = $1 AND ($2::uuid IS NULL OR e.id < $2) ORDER BY e.id DESC LIMIT $3`,
      [workspaceId, before, limit + 1],
    )
  ).map(viewOf);
