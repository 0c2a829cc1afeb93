import type { Sql } from '@countersign/persistence';
import type { AttemptOutcome } from './attempt';

/**
 * A 410 is the end for its endpoint, if it is what the endpoint says now: not when the attempt was taken over since, or
 * another address was given in the meantime; then it is a failure like any other. Locks the endpoints, for they come before
 * their deliveries.
 */
export const endGone = async (sql: Sql, outcomes: readonly AttemptOutcome[]): Promise<AttemptOutcome[]> => {
  const gone = outcomes.filter(({ isGone }) => isGone);
  if (gone.length === 0) return [...outcomes];
  const rows = await sql.query<{ id: string }>(
    `SELECT d.id FROM unnest($1::uuid[], $2::int[], $3::text[]) AS o (id, attempt, url)
       JOIN delivery d ON d.id = o.id AND d.attempt = o.attempt AND d.state = 'pending'
       JOIN endpoint e ON e.id = d.endpoint_id AND e.url = o.url
      ORDER BY e.id FOR UPDATE OF e`,
    [
      gone.map(({ deliveryId }) => deliveryId),
      gone.map(({ attempt }) => attempt),
      gone.map(({ url }) => url),
    ],
  );
  const ended = new Set(rows.map(({ id }) => id));
  return outcomes.map((outcome) => {
    if (!outcome.isGone) return outcome;
    return ended.has(outcome.deliveryId)
      ? { ...outcome, state: 'failed', delayMs: null }
      : { ...outcome, isGone: false };
  });
};
