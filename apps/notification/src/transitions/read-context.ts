import type { Message } from '@countersign/messaging';
import { NotYet } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import type { Target } from '../deliveries/attempt';
import { secretsInForce } from '../endpoints/endpoint.store';
import type { Subscription } from './plan-deliveries';
import { TransitionOrder } from './transition-order';

export interface TransitionContext {
  subscriptions: Subscription[];
  /** What calls to a subscriber need. */
  targets: ReadonlyMap<string, Target>;
  /** Throws NotYet when the transition that brings this revision's payload has not arrived. */
  payloadOf(message: Message<'request.transitioned.v1'>): unknown;
  inOrder: TransitionOrder;
}

interface EndpointRow extends Subscription {
  url: string;
  secrets: string[];
  orderedSince: string | null;
}

interface ContextRow extends Record<string, unknown> {
  endpoints: EndpointRow[] | null;
  told: { requestId: string; version: number }[] | null;
  payloads: ({ workspaceId: string; requestId: string; revision: number } & PayloadVersion)[] | null;
}

const targetOf = ({ url, secrets }: EndpointRow): Target => ({ url, secrets });

interface PayloadVersion {
  /** The version of the request from which on it counts. */
  version: number;
  payload: unknown;
}

const keyOf = (workspaceId: string, requestId: string, revision: number): string =>
  `${workspaceId} ${requestId} ${revision}`;

/**
 * Keeps the payloads that came, and reads the others and all endpoints of the workspaces concerned: one
 * statement, in the transaction of the effect, so that an endpoint counts from the moment its creation was answered.
 */
export const readContext = async (
  sql: Sql,
  messages: readonly Message<'request.transitioned.v1'>[],
): Promise<TransitionContext> => {
  const payloads = new Map<string, PayloadVersion[]>();
  const keep = (key: string, one: PayloadVersion) => payloads.set(key, [...(payloads.get(key) ?? []), one]);
  const brought = messages.flatMap(({ workspaceId, data: { request, revisionPayload } }) => {
    if (!revisionPayload) return [];
    const { revision, payload } = revisionPayload;
    const key = keyOf(workspaceId, request.id, revision);
    if (payloads.get(key)?.some(({ version }) => version === request.version)) return [];
    const value = payload.value ?? null;
    keep(key, { version: request.version, payload: value });
    return [
      {
        key: `${key} ${request.version}`,
        workspaceId,
        requestId: request.id,
        revision,
        version: request.version,
        json: JSON.stringify(value),
      },
    ];
  });
  brought.sort((a, b) => (a.key < b.key ? -1 : 1));
  const missing = messages.flatMap(({ workspaceId, data: { request, revisionPayload } }) =>
    revisionPayload ? [] : [{ workspaceId, request }],
  );

  const [row] = await sql.query<ContextRow>(
    `WITH stored AS (
       INSERT INTO request_payload (workspace_id, request_id, revision, payload, request_version)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::json[], $9::int[]) ON CONFLICT DO NOTHING
     ), open AS MATERIALIZED (
       -- Locked, so that what is held for it is seen by whoever closes the circuit.
       SELECT endpoint_id FROM endpoint_health WHERE is_open AND workspace_id = ANY ($5::uuid[]) ORDER BY endpoint_id FOR SHARE
     )
     SELECT (SELECT json_agg(json_build_object('id', e.id, 'workspaceId', e.workspace_id, 'events', e.events, 'format', e.format,
                                               'workflows', e.workflows, 'ordering', e.ordering, 'orderedSince', e.ordered_since,
                                               'isEnabled', e.state = 'enabled', 'isOpen', e.id IN (SELECT endpoint_id FROM open), 'url', e.url, 'secrets', ${secretsInForce}))
               FROM endpoint e WHERE e.workspace_id = ANY ($5::uuid[])) AS endpoints,
            (SELECT json_agg(json_build_object('requestId', t.request_id, 'version', t.version))
               FROM request_told t WHERE t.request_id = ANY ($11::uuid[])
                AND t.told_at >= (SELECT min(ordered_since) FROM endpoint WHERE workspace_id = t.workspace_id)) AS told,
            (SELECT json_agg(json_build_object('workspaceId', m.workspace_id, 'requestId', m.request_id, 'revision', m.revision,
                                               'version', p.request_version, 'payload', p.payload))
               FROM unnest($6::uuid[], $7::uuid[], $8::int[], $10::int[]) AS m (workspace_id, request_id, revision, version)
               JOIN LATERAL (
                 SELECT request_version, payload FROM request_payload
                  WHERE workspace_id = m.workspace_id AND request_id = m.request_id AND revision = m.revision
                    AND request_version <= m.version
                  ORDER BY request_version DESC LIMIT 1) p ON true) AS payloads`,
    [
      brought.map(({ workspaceId }) => workspaceId),
      brought.map(({ requestId }) => requestId),
      brought.map(({ revision }) => revision),
      brought.map(({ json }) => json),
      [...new Set(messages.map(({ workspaceId }) => workspaceId))],
      missing.map(({ workspaceId }) => workspaceId),
      missing.map(({ request }) => request.id),
      missing.map(({ request }) => request.payloadRevision),
      brought.map(({ version }) => version),
      missing.map(({ request }) => request.version),
      [...new Set(messages.map(({ data }) => data.request.id))],
    ],
  );
  for (const { workspaceId, requestId, revision, version, payload } of row?.payloads ?? []) {
    keep(keyOf(workspaceId, requestId, revision), { version, payload });
  }
  const endpoints = row?.endpoints ?? [];
  const ordered = endpoints.filter(({ ordering }) => ordering === 'per-request');
  return {
    inOrder: new TransitionOrder(
      ordered,
      new Map((row?.told ?? []).map((one) => [one.requestId, one.version])),
    ),
    subscriptions: endpoints,
    targets: new Map(endpoints.map((endpoint) => [endpoint.id, targetOf(endpoint)])),
    payloadOf({ workspaceId, data: { request } }) {
      const versions = payloads.get(keyOf(workspaceId, request.id, request.payloadRevision)) ?? [];
      const newest = versions
        .filter(({ version }) => version <= request.version)
        .reduce<PayloadVersion | null>(
          (best, one) => (best && best.version > one.version ? best : one),
          null,
        );
      if (!newest) throw new NotYet(`the payload of revision ${request.payloadRevision} has not arrived`);
      return newest.payload;
    },
  };
};
