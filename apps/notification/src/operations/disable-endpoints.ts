import type { Tx } from '@countersign/messaging';
import type { EndpointNews } from './announce-operations';

export interface Disabling {
  endpointId: string;
  reason: string;
}

export const goneReason = 'the endpoint answered 410 Gone';

export const givenUpReason = (failingSince: Date): string =>
  `every attempt has failed since ${failingSince.toISOString()}`;

/**
 * Disables endpoints that are enabled, and leaves what is pending for them to be skipped; answers what there is to tell.
 * Whoever changes both an endpoint and its deliveries locks the endpoint first: this comes before their deliveries.
 */
export const disableEndpoints = async (tx: Tx, disablings: readonly Disabling[]): Promise<EndpointNews[]> => {
  if (disablings.length === 0) return [];
  const reasons = new Map(disablings.map(({ endpointId, reason }) => [endpointId, reason]));
  const ids = [...reasons.keys()].sort();
  const rows = await tx.query<{ id: string; failingSince: Date | null }>(
    `WITH locked AS (
       SELECT id FROM endpoint WHERE id = ANY ($1::uuid[]) AND state = 'enabled' ORDER BY id FOR UPDATE
     ), disabled AS (
       UPDATE endpoint e SET state = 'disabled', disabled_reason = r.reason, version = version + 1, updated_at = now()
         FROM locked l JOIN unnest($1::uuid[], $2::text[]) AS r (id, reason) ON r.id = l.id WHERE e.id = l.id
       RETURNING e.id, e.workspace_id
     ), drained AS (
       INSERT INTO endpoint_health AS h (endpoint_id, workspace_id, drain) SELECT id, workspace_id, 'skip' FROM disabled ORDER BY id
       ON CONFLICT (endpoint_id) DO UPDATE SET drain = 'skip', is_open = false, probe_at = NULL, probing = NULL
       RETURNING h.endpoint_id, h.failing_since
     )
     SELECT endpoint_id AS id, failing_since AS "failingSince" FROM drained`,
    [ids, ids.map((id) => reasons.get(id))],
  );
  return rows.map(({ id, failingSince }) => ({
    endpointId: id,
    operation: {
      type: 'endpoint.disabled',
      reason: reasons.get(id) ?? '',
      failingSince: failingSince?.toISOString() ?? null,
    },
  }));
};
