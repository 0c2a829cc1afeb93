import type { Sql } from '@countersign/persistence';
import { Problem } from '@countersign/service-kit';

export const deliveryStates = ['pending', 'succeeded', 'failed', 'skipped'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

interface AttemptRow {
  at: number;
  status: number | null;
  latencyMs: number;
  error: string | null;
  response: string | null;
}

export interface DeliveryRow extends Record<string, unknown> {
  id: string;
  endpoint_id: string;
  /** Null for all, and when the endpoint is gone. */
  endpoint_workflows: string[] | null;
  event_id: string;
  event_type: string;
  request_id: string | null;
  state: DeliveryState;
  due_at: Date | null;
  created_at: Date;
  finished_at: Date | null;
  attempts: AttemptRow[];
}

/** A delivery as the API shows it. `eventId` is the `webhook-id`. */
export const deliveryView = (row: DeliveryRow) => ({
  id: row.id,
  endpointId: row.endpoint_id,
  eventId: row.event_id,
  eventType: row.event_type,
  requestId: row.request_id,
  state: row.state,
  attempts: row.attempts.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })),
  nextAttemptAt: row.due_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  finishedAt: row.finished_at?.toISOString() ?? null,
});

const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };
const time = { type: 'string', format: 'date-time' };
const timeOrNull = { type: ['string', 'null'], format: 'date-time' };

export const deliverySchema = {
  type: 'object',
  properties: {
    id: text,
    endpointId: text,
    eventId: { ...text, description: 'The `webhook-id` header.' },
    eventType: text,
    requestId: textOrNull,
    state: { type: 'string', enum: [...deliveryStates] },
    attempts: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          at: time,
          status: { type: ['integer', 'null'] },
          latencyMs: { type: 'integer' },
          error: textOrNull,
          response: { ...textOrNull, description: 'The first 1 KiB of the answer.' },
        },
      },
    },
    nextAttemptAt: timeOrNull,
    createdAt: time,
    finishedAt: timeOrNull,
  },
};

const columns = `d.id, d.endpoint_id, (SELECT e.workflows FROM endpoint e WHERE e.id = d.endpoint_id) AS endpoint_workflows, d.event_id, v.type AS event_type, v.request_id, d.state, d.due_at, d.created_at, d.finished_at,
  (SELECT coalesce(json_agg(json_build_object('at', (extract(epoch FROM a.at) * 1000)::float8, 'status', a.status, 'latencyMs', a.latency_ms,
                                              'error', a.error, 'response', a.response) ORDER BY a.number), '[]')
     FROM delivery_attempt a WHERE a.delivery_id = d.id) AS attempts`;

/** The delivery; throws Problem not_found. */
export const findDelivery = async (sql: Sql, id: string): Promise<DeliveryRow> => {
  const [row] = await sql.query<DeliveryRow>(
    `SELECT ${columns} FROM delivery d JOIN event v ON v.id = d.event_id WHERE d.id = $1`,
    [id],
  );
  if (!row) throw Problem.notFound('delivery');
  return row;
};

export interface DeliveryFilter {
  workspaceId: string;
  endpointId: string;
  state?: DeliveryState;
  eventType?: string;
  requestId?: string;
  /** RFC 3339, itself included. */
  createdAfter?: string;
  /** RFC 3339, itself not included. */
  createdBefore?: string;
  before: string | null;
  limit: number;
}

/** An id has the time of its making by another clock than `created_at`. */
export const clockDifferenceMs = 600_000;

/** The least UUID (version 7) that may have been made at a time, or so much later. */
export const idAt = (time: string, differenceMs: number): string => {
  const hex = Math.max(0, Date.parse(time) + differenceMs)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
};

/** Newest first. */
export const listDeliveries = (
  sql: Sql,
  { workspaceId, endpointId, before, limit, ...wanted }: DeliveryFilter,
): Promise<DeliveryRow[]> => {
  const conditions = ['d.workspace_id = $1', 'd.endpoint_id = $2'];
  const values: unknown[] = [workspaceId, endpointId];
  const where = (value: unknown, condition: (place: string) => string) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  where(before, (place) => `d.id < ${place}::uuid`);
  // The index of the few that have not succeeded is named by its condition.
  where(wanted.state, (place) => `d.state = ${place}`);
  if (wanted.state !== undefined && wanted.state !== 'succeeded') conditions.push(`d.state <> 'succeeded'`);
  where(wanted.eventType, (place) => `v.type = ${place}`);
  where(
    wanted.requestId,
    (place) => `d.event_id IN (SELECT id FROM event WHERE workspace_id = $1 AND request_id = ${place}::uuid)`,
  );
  // Ids have the time in them, so that a period far back is found by the index of the list.
  const { createdAfter, createdBefore } = wanted;
  where(createdAfter, (place) => `d.created_at >= ${place}::timestamptz`);
  where(createdAfter && idAt(createdAfter, -clockDifferenceMs), (place) => `d.id >= ${place}::uuid`);
  where(createdBefore, (place) => `d.created_at < ${place}::timestamptz`);
  where(createdBefore && idAt(createdBefore, clockDifferenceMs), (place) => `d.id < ${place}::uuid`);
  values.push(limit);
  return sql.query<DeliveryRow>(
    `SELECT ${columns} FROM delivery d JOIN event v ON v.id = d.event_id
      WHERE ${conditions.join(' AND ')} ORDER BY d.id DESC LIMIT $${values.length}`,
    values,
  );
};
