import type { Message } from '@countersign/messaging';
import { NotYet } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import type { Target } from '../deliveries/attempt';
import type { Subscription } from './plan-deliveries';

export interface TransitionContext {
  subscriptions: Subscription[];
  /** What calls to a subscriber need. */
  targets: ReadonlyMap<string, Target>;
  /** Throws NotYet when the transition that brings this revision's payload has not arrived. */
  payloadOf(message: Message<'request.transitioned.v1'>): unknown;
}

interface EndpointRow extends Subscription {
  url: string;
  secret: string;
  previousSecret: string | null;
}

interface ContextRow extends Record<string, unknown> {
  endpoints: EndpointRow[] | null;
  payloads: { workspaceId: string; requestId: string; revision: number; payload: unknown }[] | null;
}

const targetOf = ({ url, secret, previousSecret }: EndpointRow): Target => ({
  url,
  secret: Buffer.from(secret, 'hex'),
  previous_secret: previousSecret === null ? null : Buffer.from(previousSecret, 'hex'),
});

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
  const payloads = new Map<string, unknown>();
  const brought = messages.flatMap(({ workspaceId, data: { request, revisionPayload } }) => {
    if (!revisionPayload) return [];
    const { revision, payload } = revisionPayload;
    const key = keyOf(workspaceId, request.id, revision);
    if (payloads.has(key)) return [];
    payloads.set(key, payload.value);
    return [
      { key, workspaceId, requestId: request.id, revision, json: JSON.stringify(payload.value ?? null) },
    ];
  });
  brought.sort((a, b) => (a.key < b.key ? -1 : 1));
  const missing = messages
    .map(({ workspaceId, data: { request } }) => ({
      workspaceId,
      requestId: request.id,
      revision: request.revision,
    }))
    .filter(({ workspaceId, requestId, revision }) => !payloads.has(keyOf(workspaceId, requestId, revision)));

  const [row] = await sql.query<ContextRow>(
    `WITH stored AS (
       INSERT INTO request_payload (workspace_id, request_id, revision, payload)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::json[]) ON CONFLICT DO NOTHING
     )
     SELECT (SELECT json_agg(json_build_object('id', e.id, 'workspaceId', e.workspace_id, 'events', e.events, 'format', e.format,
                                               'workflows', e.workflows, 'isEnabled', e.state = 'enabled', 'url', e.url, 'secret', encode(e.secret, 'hex'),
                                               'previousSecret', encode(CASE WHEN e.previous_until > now() THEN e.previous_secret END, 'hex')))
               FROM endpoint e WHERE e.workspace_id = ANY ($5::uuid[])) AS endpoints,
            (SELECT json_agg(json_build_object('workspaceId', p.workspace_id, 'requestId', p.request_id, 'revision', p.revision, 'payload', p.payload))
               FROM request_payload p JOIN unnest($6::uuid[], $7::uuid[], $8::int[]) AS m (workspace_id, request_id, revision)
                 USING (workspace_id, request_id, revision)) AS payloads`,
    [
      brought.map(({ workspaceId }) => workspaceId),
      brought.map(({ requestId }) => requestId),
      brought.map(({ revision }) => revision),
      brought.map(({ json }) => json),
      [...new Set(messages.map(({ workspaceId }) => workspaceId))],
      missing.map(({ workspaceId }) => workspaceId),
      missing.map(({ requestId }) => requestId),
      missing.map(({ revision }) => revision),
    ],
  );
  for (const { workspaceId, requestId, revision, payload } of row?.payloads ?? []) {
    payloads.set(keyOf(workspaceId, requestId, revision), payload);
  }
  const endpoints = row?.endpoints ?? [];
  return {
    subscriptions: endpoints,
    targets: new Map(endpoints.map((endpoint) => [endpoint.id, targetOf(endpoint)])),
    payloadOf({ workspaceId, data: { request } }) {
      const key = keyOf(workspaceId, request.id, request.revision);
      if (!payloads.has(key)) throw new NotYet(`the payload of revision ${request.revision} has not arrived`);
      return payloads.get(key);
    },
  };
};
