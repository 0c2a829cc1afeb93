import { patternsOf, type OperationalEventType } from '@countersign/contracts';
import { newCause, type Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { queuedMinutes } from '../deliveries/claim-due';
import { operationalBody } from '../events/operational-event';

/** An endpoint that names operational events. */
export interface Subscriber extends Record<string, unknown> {
  id: string;
  workspaceId: string;
  events: string[];
  workflows: string[] | null;
  isEnabled: boolean;
}

/** An event that is about no request, with whom it is for. */
export interface OperationalNews {
  id: string;
  workspaceId: string;
  type: OperationalEventType;
  /** RFC 3339. */
  at: string;
  data: Record<string, unknown>;
  subscribers: readonly Subscriber[];
}

/** Those of these workspaces that name any of these types, by a pattern that may also mean others. */
export const readSubscribers = (
  sql: Sql,
  workspaceIds: readonly string[],
  types: readonly OperationalEventType[],
): Promise<Subscriber[]> =>
  sql.query<Subscriber>(
    `SELECT id, workspace_id AS "workspaceId", events, workflows, state = 'enabled' AS "isEnabled" FROM endpoint
      WHERE workspace_id = ANY ($1::uuid[]) AND format = 'standard' AND events && $2::text[]`,
    [[...new Set(workspaceIds)], [...new Set(types.flatMap(patternsOf))]],
  );

/** The events that anybody gets, and their deliveries; one for an endpoint that is disabled is kept to be replayed. */
export const writeOperationalDeliveries = (tx: Tx, news: readonly OperationalNews[]): void => {
  const deliveries = news.flatMap(({ id: eventId, workspaceId, subscribers }) =>
    subscribers.map(({ id: endpointId, isEnabled }) => ({
      id: v7(),
      workspaceId,
      endpointId,
      eventId,
      state: isEnabled ? 'pending' : 'skipped',
      cause: newCause(),
    })),
  );
  if (deliveries.length === 0) return;
  const events = news.filter(({ subscribers }) => subscribers.length > 0);
  tx.write(
    `WITH stored AS (
       INSERT INTO event (id, workspace_id, type, at, standard)
       SELECT id, workspace_id, type, at, body
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $9::timestamptz[], $4::text[]) AS v (id, workspace_id, type, at, body)
     )
     INSERT INTO delivery (id, workspace_id, endpoint_id, event_id, format, state, correlation_id, due_at, finished_at, untold)
     SELECT d.id, d.workspace_id, d.endpoint_id, d.event_id, 'standard', d.state, d.correlation_id,
            CASE WHEN d.state = 'pending' THEN now() + interval '${queuedMinutes} minutes' END,
            CASE WHEN d.state <> 'pending' THEN now() END, d.state <> 'pending'
       FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $10::text[], $11::uuid[])
         AS d (id, workspace_id, endpoint_id, event_id, state, correlation_id)`,
    [
      events.map(({ id }) => id),
      events.map(({ workspaceId }) => workspaceId),
      events.map(({ type }) => type),
      events.map(({ type, at, data }) => operationalBody(type, at, data)),
      deliveries.map(({ id }) => id),
      deliveries.map(({ workspaceId }) => workspaceId),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      events.map(({ at }) => at),
      deliveries.map(({ state }) => state),
      deliveries.map(({ cause }) => cause.correlationId),
    ],
  );
  for (const { id, workspaceId, state, cause } of deliveries) {
    if (state === 'pending')
      tx.publish({ type: 'delivery.attempt.v1', workspaceId, cause, data: { deliveryId: id, attempt: 1 } });
  }
};
