import type { Tx } from '@countersign/messaging';
import type { LeasedDelivery } from './attempt';
import { leaseDeliveries } from './lease-deliveries';

export interface StartedDelivery {
  delivery: LeasedDelivery;
  traceparent: string | null;
}

/**
 * Leases what waited, in the order of events, for deliveries that have come to an end. A statement after the one that ended
 * them: whoever saw them pending has committed by then, and what they left waiting is seen.
 */
export const startSuccessors = async (tx: Tx, endedIds: readonly string[]): Promise<StartedDelivery[]> => {
  if (endedIds.length === 0) return [];
  const next = await tx.query<{ id: string; attempt: number; traceparent: string | null }>(
    `WITH next AS (
       SELECT DISTINCT n.id FROM delivery e CROSS JOIN LATERAL (
         SELECT id, place FROM delivery
          WHERE endpoint_id = e.endpoint_id AND request_id = e.request_id AND place IS NOT NULL AND state = 'pending'
          ORDER BY place LIMIT 1) n
        WHERE e.id = ANY ($1::uuid[]) AND e.place IS NOT NULL AND n.place > e.place
     ), locked AS (
       SELECT d.id FROM delivery d JOIN next n ON n.id = d.id WHERE d.state = 'pending' AND NOT d.held ORDER BY d.id FOR UPDATE OF d
     )
     UPDATE delivery d SET attempt = d.attempt + 1, due_at = now() FROM locked l WHERE d.id = l.id
     RETURNING d.id, d.attempt, d.traceparent`,
    [endedIds],
  );
  if (next.length === 0) return [];
  const traces = new Map(next.map(({ id, traceparent }) => [id, traceparent]));
  const leased = await leaseDeliveries(
    tx,
    next.map(({ id, attempt }) => ({ deliveryId: id, attempt })),
  );
  return leased.map((delivery) => ({ delivery, traceparent: traces.get(delivery.id) ?? null }));
};
