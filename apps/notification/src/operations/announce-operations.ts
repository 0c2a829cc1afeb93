import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { matchesEvent, patternsOf } from '@countersign/contracts';
import {
  operationalBody,
  operationalContent,
  operationalData,
  type EndpointSubject,
  type Happening,
} from '../events/operational-event';
import { queuedMinutes } from '../deliveries/claim-due';
import { planOwnerMails, writeOwnerMails } from './owner-mail';

/** Something that happened to an endpoint, or to a delivery for it. */
export interface EndpointNews {
  endpointId: string;
  operation: Happening;
}

interface Subscriber extends Record<string, unknown> {
  id: string;
  workspaceId: string;
  events: string[];
  workflows: string[] | null;
  isEnabled: boolean;
}

interface Announced {
  eventId: string;
  subject: EndpointSubject;
  operation: Happening;
  data: Record<string, unknown>;
}

/**
 * Tells what happened to endpoints: to those that subscribe to it, to the trail, and to the owner of one that is disabled.
 * Nobody is told about itself, and what becomes of these deliveries is told to nobody: the talk comes to an end.
 */
export const announceOperations = async (
  tx: Tx,
  news: readonly EndpointNews[],
  mails: { captured: boolean; publicUrl: string },
  at: Date,
): Promise<void> => {
  if (news.length === 0) return;
  const subjects = await readSubjects(tx, [...new Set(news.map(({ endpointId }) => endpointId))]);
  const announced = news.flatMap(({ endpointId, operation }): Announced[] => {
    const subject = subjects.get(endpointId);
    // Deleted in the meantime.
    if (!subject) return [];
    return [{ eventId: v7(), subject, operation, data: operationalData(subject, operation) }];
  });
  if (announced.length === 0) return;
  const time = at.toISOString();
  const workspaces = [...new Set(announced.map(({ subject }) => subject.workspaceId))];
  const patterns = [...new Set(announced.flatMap(({ operation }) => patternsOf(operation.type)))];
  const subscribers = await tx.query<Subscriber>(
    `SELECT id, workspace_id AS "workspaceId", events, workflows, state = 'enabled' AS "isEnabled" FROM endpoint
      WHERE workspace_id = ANY ($1::uuid[]) AND format = 'standard' AND events && $2::text[]`,
    [workspaces, patterns],
  );
  writeDeliveries(tx, announced, subscribers, time);
  writeOwnerMails(tx, await planOwnerMails(tx, announced, mails));
  for (const { eventId, subject, operation, data } of announced) {
    tx.publish({
      type: 'notification.happened.v1',
      workspaceId: subject.workspaceId,
      cause: newCause(),
      data: {
        id: eventId,
        type: operation.type,
        at: time,
        requestId: operation.type === 'delivery.exhausted' ? operation.delivery.requestId : null,
        content: operationalContent(subject, operation),
        shown: data,
      },
    });
  }
};

const newCause = () => ({ correlationId: v7(), causationId: null, traceparent: null });

/** An endpoint for some workflows is told of those that are for no others, as keys see them. */
const mayKnow = ({ workflows }: Subscriber, subject: EndpointSubject): boolean =>
  workflows === null ||
  (subject.workflows !== null && subject.workflows.every((key) => workflows.includes(key)));

const writeDeliveries = (
  tx: Tx,
  announced: readonly Announced[],
  subscribers: readonly Subscriber[],
  at: string,
): void => {
  const deliveries = announced.flatMap(({ eventId, subject, operation }) =>
    subscribers
      .filter(
        (one) =>
          one.workspaceId === subject.workspaceId &&
          one.id !== subject.id &&
          matchesEvent(one.events, operation.type) &&
          mayKnow(one, subject),
      )
      .map(({ id: endpointId, workspaceId, isEnabled }) => ({
        id: v7(),
        workspaceId,
        endpointId,
        eventId,
        state: isEnabled ? 'pending' : 'skipped',
        cause: newCause(),
      })),
  );
  if (deliveries.length === 0) return;
  const wanted = new Set(deliveries.map(({ eventId }) => eventId));
  const events = announced.filter(({ eventId }) => wanted.has(eventId));
  tx.write(
    `WITH stored AS (
       INSERT INTO event (id, workspace_id, type, at, standard)
       SELECT id, workspace_id, type, $9::timestamptz, body FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS v (id, workspace_id, type, body)
     )
     INSERT INTO delivery (id, workspace_id, endpoint_id, event_id, format, state, correlation_id, due_at, finished_at, untold)
     SELECT d.id, d.workspace_id, d.endpoint_id, d.event_id, 'standard', d.state, d.correlation_id,
            CASE WHEN d.state = 'pending' THEN now() + interval '${queuedMinutes} minutes' END,
            CASE WHEN d.state <> 'pending' THEN now() END, d.state <> 'pending'
       FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $10::text[], $11::uuid[])
         AS d (id, workspace_id, endpoint_id, event_id, state, correlation_id)`,
    [
      events.map(({ eventId }) => eventId),
      events.map(({ subject }) => subject.workspaceId),
      events.map(({ operation }) => operation.type),
      events.map(({ operation, data }) => operationalBody(operation.type, at, data)),
      deliveries.map(({ id }) => id),
      deliveries.map(({ workspaceId }) => workspaceId),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      at,
      deliveries.map(({ state }) => state),
      deliveries.map(({ cause }) => cause.correlationId),
    ],
  );
  for (const { id, workspaceId, state, cause } of deliveries) {
    if (state === 'pending')
      tx.publish({ type: 'delivery.attempt.v1', workspaceId, cause, data: { deliveryId: id, attempt: 1 } });
  }
};

const readSubjects = async (
  sql: Sql,
  endpointIds: readonly string[],
): Promise<Map<string, EndpointSubject>> => {
  const rows = await sql.query<EndpointSubject & Record<string, unknown>>(
    `SELECT id, workspace_id AS "workspaceId", url, description, workflows, owner_id AS "ownerId"
       FROM endpoint WHERE id = ANY ($1::uuid[])`,
    [endpointIds],
  );
  return new Map(rows.map((row) => [row.id, row]));
};
