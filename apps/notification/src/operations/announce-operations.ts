import { newCause, type Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { matchesEvent } from '@countersign/contracts';
import {
  operationalContent,
  operationalData,
  type EndpointSubject,
  type Happening,
} from '../events/operational-event';
import { planOwnerMails, writeOwnerMails } from './owner-mail';
import { readSubscribers, writeOperationalDeliveries, type Subscriber } from './operational-deliveries';

/** Something that happened to an endpoint, or to a delivery for it. */
export interface EndpointNews {
  endpointId: string;
  operation: Happening;
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
  const subscribers = await readSubscribers(
    tx,
    announced.map(({ subject }) => subject.workspaceId),
    announced.map(({ operation }) => operation.type),
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

/** An endpoint for some workflows is told of those that are for no others, as keys see them. */
const mayKnow = ({ workflows }: Subscriber, subject: EndpointSubject): boolean =>
  workflows === null ||
  (subject.workflows !== null && subject.workflows.every((key) => workflows.includes(key)));

const writeDeliveries = (
  tx: Tx,
  announced: readonly Announced[],
  subscribers: readonly Subscriber[],
  at: string,
): void =>
  writeOperationalDeliveries(
    tx,
    announced.map(({ eventId, subject, operation, data }) => ({
      id: eventId,
      workspaceId: subject.workspaceId,
      type: operation.type,
      at,
      data,
      subscribers: subscribers.filter(
        (one) =>
          one.workspaceId === subject.workspaceId &&
          one.id !== subject.id &&
          matchesEvent(one.events, operation.type) &&
          mayKnow(one, subject),
      ),
    })),
  );

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
