import type { Sql } from '@countersign/persistence';
import { secretsInForce } from '../endpoints/endpoint.store';
import type { LeasedDelivery } from './attempt';

/**
 * An attempt must be over and recorded by then: 15 s for the call, 5 s for the record, the rest for waiting in the pool. No
 * longer, for whoever dies with a lease in hand, or never hears that it was committed, holds the delivery up for so long.
 */
export const leaseSeconds = 30;

/** Looked at again then at the latest, should whoever ends the one before not start what waits for it. */
const waitInOrderSeconds = 5;

/**
 * Leases deliveries for the attempts that messages ask for. What is not pending any more, or under another
 * attempt by now, is left alone; what goes to an endpoint that is disabled or deleted is skipped for good; what must wait
 * for an earlier one of its request waits; and what goes to an endpoint whose circuit is open is left to the sweeper, which holds
 * it, unless it is the probe. The earlier one is locked as well: if it is just ending, this waits for that.
 */
export const leaseDeliveries = (
  sql: Sql,
  messages: readonly { deliveryId: string; attempt: number }[],
): Promise<LeasedDelivery[]> =>
  sql.query<LeasedDelivery>(
    `WITH message AS (
       SELECT * FROM unnest($1::uuid[], $2::int[]) AS m (delivery_id, attempt)
     ), waiting AS MATERIALIZED (
       SELECT d.id, p.due_at FROM delivery d JOIN message m ON m.delivery_id = d.id AND m.attempt = d.attempt
        CROSS JOIN LATERAL (
          SELECT due_at FROM delivery
           WHERE endpoint_id = d.endpoint_id AND request_id = d.request_id AND place < d.place AND state = 'pending'
           ORDER BY place LIMIT 1 FOR SHARE) p
        WHERE d.state = 'pending' AND d.place IS NOT NULL
     ), locked AS (
       SELECT d.id, d.endpoint_id, w.due_at AS not_before
         FROM delivery d JOIN message m ON m.delivery_id = d.id AND m.attempt = d.attempt LEFT JOIN waiting w ON w.id = d.id
        WHERE d.state = 'pending' ORDER BY d.id FOR UPDATE OF d
     ), target AS (
       SELECT l.id, e.id IS NOT NULL AS is_open,
              CASE WHEN h.is_open AND h.probing IS DISTINCT FROM l.id THEN now()
                   ELSE greatest(l.not_before, now()) + interval '${waitInOrderSeconds} seconds' END AS wait_until,
              l.not_before IS NOT NULL OR (h.is_open IS TRUE AND h.probing IS DISTINCT FROM l.id) AS waits
         FROM locked l LEFT JOIN endpoint e ON e.id = l.endpoint_id AND e.state = 'enabled'
         LEFT JOIN endpoint_health h ON h.endpoint_id = l.endpoint_id
     ), leased AS (
       UPDATE delivery d
          SET state = CASE WHEN t.is_open THEN 'pending' ELSE 'skipped' END,
              due_at = CASE WHEN NOT t.is_open THEN NULL WHEN t.waits THEN t.wait_until
                            ELSE now() + interval '${leaseSeconds} seconds' END,
              held = d.held AND t.is_open AND t.waits,
              finished_at = CASE WHEN t.is_open THEN NULL ELSE now() END, untold = NOT t.is_open
         FROM target t WHERE d.id = t.id
       RETURNING d.id, d.workspace_id, d.endpoint_id, d.event_id, d.format, d.attempt, d.tries, d.state, d.place IS NOT NULL AS is_ordered, t.waits
     )
     SELECT l.id, l.workspace_id, l.endpoint_id, l.event_id, l.format, l.attempt, l.tries, l.is_ordered, e.url, ${secretsInForce} AS secrets,
            CASE l.format WHEN 'easylife' THEN v.easylife ELSE v.standard END AS body
       FROM leased l JOIN endpoint e ON e.id = l.endpoint_id JOIN event v ON v.id = l.event_id
      WHERE l.state = 'pending' AND NOT l.waits`,
    [messages.map(({ deliveryId }) => deliveryId), messages.map(({ attempt }) => attempt)],
  );
