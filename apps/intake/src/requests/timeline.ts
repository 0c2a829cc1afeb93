import type { Actor, RequestSnapshot, TransitionEvent } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

export interface TimelineEntry {
  at: string;
  type: string;
  actor: Actor;
  detail: Record<string, unknown>;
}

export const timelineSchema = {
  type: 'object',
  required: ['at', 'type', 'actor', 'detail'],
  properties: {
    at: { type: 'string', format: 'date-time' },
    type: { type: 'string' },
    actor: { type: 'object' },
    detail: { type: 'object' },
  },
};

/** Where a page of the timeline ends: version of the request and id of the event. */
export const timelinePosition = /^\d{1,9}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** People in the detail of an event as everywhere in the API: without their mail address and foreign ids. */
const shown = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shown);
  if (!isRecord(value)) return value;
  if (typeof value.userName === 'string' && 'externalId' in value) {
    return { id: value.id, userName: value.userName, displayName: value.displayName };
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shown(member)]));
};

/** What the timeline says of an event of a request. */
export const timelineDetail = (
  { type, data, taskId, stageKey }: TransitionEvent,
  { title, reason }: Pick<RequestSnapshot, 'title' | 'reason'>,
): Record<string, unknown> => ({
  // Its data are the request itself; where its requester works is for the trail.
  ...(type === 'request.created' ? { title, reason } : {}),
  ...(stageKey === null ? {} : { stageKey }),
  ...(taskId === null ? {} : { taskId }),
  ...(shown(type === 'request.created' ? {} : data) as Record<string, unknown>),
});

/** Oldest first, after a position; one row more than the page. */
export const listTimeline = async (
  sql: Sql,
  requestId: string,
  after: string | null,
  limit: number,
): Promise<(TimelineEntry & { position: string })[]> => {
  const [version, id] = after?.split(':') ?? [null, null];
  const rows = await sql.query<{
    id: string;
    request_version: number;
    at: Date;
    type: string;
    actor: Actor;
    detail: Record<string, unknown>;
  }>(
    `SELECT id, request_version, at, type, actor, detail FROM request_event
      WHERE request_id = $1 AND ($2::int IS NULL OR (request_version, id) > ($2, $3::uuid))
      ORDER BY request_version, id LIMIT $4`,
    [requestId, version, id, limit + 1],
  );
  return rows.map((row) => ({
    position: `${row.request_version}:${row.id}`,
    at: row.at.toISOString(),
    type: row.type,
    actor: row.actor,
    detail: row.detail,
  }));
};
