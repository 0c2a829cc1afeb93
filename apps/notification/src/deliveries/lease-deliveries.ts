import type { Sql } from '@countersign/persistence';
import type { LeasedDelivery } from './attempt';

/**
 * An attempt must be over and recorded by then: 15 s for the call, 5 s for the record, the rest for waiting in the pool. No
 * longer, for whoever dies with a lease in hand, or never hears that it was committed, holds the delivery up for so long.
 */
export const leaseSeconds = 30;

/**
 * Leases deliveries for the attempts that messages ask for. What is not pending any more, or under another
 * attempt by now, is left alone; what goes to an endpoint that is disabled or deleted is skipped for good.
 */
export const leaseDeliveries = (
  sql: Sql,
  messages: readonly { deliveryId: string; attempt: number }[],
): Promise<LeasedDelivery[]> =>
  sql.query<LeasedDelivery>(
    `WITH message AS (
       SELECT * FROM unnest($1::uuid[], $2::int[]) AS m (delivery_id, attempt)
     ), locked AS (
       SELECT d.id, d.endpoint_id FROM delivery d JOIN message m ON m.delivery_id = d.id AND m.attempt = d.attempt
        WHERE d.state = 'pending' ORDER BY d.id FOR UPDATE OF d
     ), target AS (
       SELECT l.id, e.id IS NOT NULL AS is_open
         FROM locked l LEFT JOIN endpoint e ON e.id = l.endpoint_id AND e.state = 'enabled'
     ), leased AS (
       UPDATE delivery d
          SET state = CASE WHEN t.is_open THEN 'pending' ELSE 'skipped' END,
              due_at = CASE WHEN t.is_open THEN now() + interval '${leaseSeconds} seconds' END,
              finished_at = CASE WHEN t.is_open THEN NULL ELSE now() END
         FROM target t WHERE d.id = t.id
       RETURNING d.id, d.workspace_id, d.endpoint_id, d.event_id, d.format, d.attempt, d.tries, d.state
     )
     SELECT l.id, l.workspace_id, l.endpoint_id, l.event_id, l.format, l.attempt, l.tries, e.url, e.secret,
            CASE WHEN e.previous_until > now() THEN e.previous_secret END AS previous_secret,
            CASE l.format WHEN 'easylife' THEN v.easylife ELSE v.standard END AS body
       FROM leased l JOIN endpoint e ON e.id = l.endpoint_id JOIN event v ON v.id = l.event_id
      WHERE l.state = 'pending'`,
    [messages.map(({ deliveryId }) => deliveryId), messages.map(({ attempt }) => attempt)],
  );
