import type { Cause } from '@countersign/messaging';
import type { TransactionSql } from '@countersign/persistence';
import { queuedMinutes } from '../deliveries/claim-due';
import { leaseSeconds } from '../deliveries/lease-deliveries';
import type { PlannedMail } from '../mail/plan-mail';
import type { PlannedDelivery, PlannedEvent } from './plan-deliveries';
import type { TransitionOrder } from './transition-order';

/** What a transition sets in motion. */
export interface Announcements {
  events: PlannedEvent[];
  deliveries: (PlannedDelivery & {
    cause: Cause;
    /** Leased by this process for the first attempt, instead of left to a message. */
    isLeased: boolean;
    /** Begun by whoever ends the one before it. */
    isWaiting: boolean;
  })[];
  mails: (PlannedMail & { cause: Cause })[];
  /** How far requests have been told whose events somebody wants in order. */
  told: TransitionOrder['progress'];
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

/**
 * Writes everything in one statement. `delivery_once` and `mail_once` leave out what an earlier copy of the same
 * transition has brought; a message that asks for an attempt of what was left out finds nothing to do. `stored` gets
 * the deliveries that are new.
 */
export const writeAnnouncements = (
  sql: TransactionSql,
  announcements: Announcements,
  stored: (deliveryIds: ReadonlySet<string>) => void,
): void => {
  // Sorted, so that two copies of a transition handled at once wait for each other instead of dead-locking.
  const events = [...announcements.events].sort(byId);
  const deliveries = [...announcements.deliveries].sort((a, b) =>
    a.endpointId + a.eventId < b.endpointId + b.eventId ? -1 : 1,
  );
  const mails = [...announcements.mails].sort((a, b) =>
    a.eventId + a.personId < b.eventId + b.personId ? -1 : 1,
  );
  if (announcements.told.length > 0) writeTold(sql, announcements.told);
  if (events.length === 0 && mails.length === 0) return;
  sql.write(
    `WITH stored_event AS (
       INSERT INTO event (id, workspace_id, request_id, type, at, standard, easylife)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[])
       ON CONFLICT DO NOTHING
     ), stored_delivery AS (
       INSERT INTO delivery (id, workspace_id, endpoint_id, event_id, format, state, correlation_id, traceparent, request_id, place, held, due_at, finished_at, untold)
       SELECT d.id, d.workspace_id, d.endpoint_id, d.event_id, d.format, d.state, d.correlation_id, d.traceparent, d.request_id, d.place, d.is_held,
              CASE WHEN d.state = 'pending'
                   THEN now() + CASE WHEN d.is_held THEN interval '0' WHEN d.is_leased THEN interval '${leaseSeconds} seconds' ELSE interval '${queuedMinutes} minutes' END END,
              CASE WHEN d.state <> 'pending' THEN now() END, d.state <> 'pending'
         FROM unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::uuid[], $12::text[], $13::text[], $14::uuid[], $15::text[], $30::boolean[],
                     $31::uuid[], $32::bigint[], $33::boolean[])
           AS d (id, workspace_id, endpoint_id, event_id, format, state, correlation_id, traceparent, is_leased, request_id, place, is_held)
       ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
       RETURNING id
     ), stored_mail AS (
       INSERT INTO mail (id, workspace_id, event_id, person_id, request_id, recipient, recipient_name, subject, text_body, html_body,
                         state, error, correlation_id, traceparent, links, task_id, hold_until, is_gathered, content, due_at, finished_at, untold)
       SELECT m.*, CASE WHEN m.state = 'pending' THEN now() + interval '${queuedMinutes} minutes' END,
              CASE WHEN m.state NOT IN ('pending', 'held', 'standby') THEN now() END, m.state NOT IN ('pending', 'held', 'standby')
         FROM unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::uuid[], $20::uuid[], $21::text[], $22::text[], $23::text[], $24::text[],
                     $25::text[], $26::text[], $27::text[], $28::uuid[], $29::text[], $34::json[],
                     $35::uuid[], $36::timestamptz[], $37::boolean[], $38::json[])
           AS m (id, workspace_id, event_id, person_id, request_id, recipient, recipient_name, subject, text_body, html_body,
                 state, error, correlation_id, traceparent, links, task_id, hold_until, is_gathered, content)
       ON CONFLICT ON CONSTRAINT mail_once DO NOTHING
     )
     SELECT id FROM stored_delivery`,
    [
      events.map(({ id }) => id),
      events.map(({ workspaceId }) => workspaceId),
      events.map(({ requestId }) => requestId),
      events.map(({ type }) => type),
      events.map(({ at }) => at),
      events.map(({ standard }) => standard),
      events.map(({ easylife }) => easylife),
      deliveries.map(({ id }) => id),
      deliveries.map(({ workspaceId }) => workspaceId),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ format }) => format),
      deliveries.map(({ state }) => state),
      deliveries.map(({ cause }) => cause.correlationId),
      deliveries.map(({ cause }) => cause.traceparent),
      mails.map(({ id }) => id),
      mails.map(({ workspaceId }) => workspaceId),
      mails.map(({ eventId }) => eventId),
      mails.map(({ personId }) => personId),
      mails.map(({ requestId }) => requestId),
      mails.map(({ recipient }) => recipient),
      mails.map(({ recipientName }) => recipientName),
      mails.map(({ subject }) => subject),
      mails.map(({ text }) => text),
      mails.map(({ html }) => html),
      mails.map(({ state }) => state),
      mails.map(({ error }) => error),
      mails.map(({ cause }) => cause.correlationId),
      mails.map(({ cause }) => cause.traceparent),
      deliveries.map(({ isLeased }) => isLeased),
      deliveries.map(({ requestId }) => requestId),
      deliveries.map(({ place }) => place),
      deliveries.map(({ isHeld }) => isHeld),
      mails.map(({ links }) => JSON.stringify(links)),
      mails.map(({ taskId }) => taskId),
      mails.map(({ hold }) => hold?.until ?? null),
      mails.map(({ hold }) => hold?.isGathered ?? false),
      mails.map(({ hold }) => hold && JSON.stringify(hold.content)),
    ],
    (rows: { id: string }[]) => stored(new Set(rows.map(({ id }) => id))),
  );
};

const writeTold = (sql: TransactionSql, told: Announcements['told']): void => {
  const sorted = [...told].sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
  sql.write(
    `INSERT INTO request_told AS t (request_id, workspace_id, version, is_over)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::boolean[])
     ON CONFLICT (request_id) DO UPDATE
        SET version = greatest(t.version, excluded.version), is_over = t.is_over OR excluded.is_over, told_at = now()`,
    [
      sorted.map(({ requestId }) => requestId),
      sorted.map(({ workspaceId }) => workspaceId),
      sorted.map(({ version }) => version),
      sorted.map(({ isOver }) => isOver),
    ],
  );
};
