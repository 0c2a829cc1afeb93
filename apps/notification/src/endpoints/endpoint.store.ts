import { allowWorkflows, Problem, type Call } from '@countersign/service-kit';
import type { Sql } from '@countersign/persistence';
import type { EndpointFormat, EndpointRow, Ordering, Signing } from './endpoint';
import type { NewSecret } from './endpoint-secrets';

/** An old secret signs this long beside the new one (product §3). */
const rotationHours = 24;
/** So many may do so: each adds a signature to every call. */
const mostFormer = 10;

const columns = `id, url, events, format, workflows, description, signing, public_key,
  array(SELECT f ->> 'publicKey' FROM jsonb_array_elements(former_secrets) f
         WHERE f ->> 'publicKey' IS NOT NULL AND (f ->> 'until')::timestamptz > now()) AS former_public_keys, ordering, state, disabled_reason,
  (SELECT h.failing_since FROM endpoint_health h WHERE h.endpoint_id = endpoint.id) AS failing_since, version, created_at, updated_at`;

/** Refuses a limited key an endpoint that is not for its workflows only. Throws Problem workflow_not_allowed. */
export const allowEndpoint = (call: Call, workflows: string[] | null): void =>
  allowWorkflows(call, workflows, 'The webhook endpoint');

/** The endpoint; throws Problem not_found, or workflow_not_allowed when it is out of the key's reach. */
export const findEndpoint = async (sql: Sql, call: Call, id: string): Promise<EndpointRow> => {
  const [row] = await sql.query<EndpointRow>(`SELECT ${columns} FROM endpoint WHERE id = $1`, [id]);
  if (!row) throw Problem.notFound('webhook endpoint');
  allowEndpoint(call, row.workflows);
  return row;
};

/** The same, locked for a change. Throws Problem version_mismatch when the caller has seen another version. */
export const lockEndpoint = async (
  sql: Sql,
  call: Call,
  id: string,
  expectedVersion: number | null,
): Promise<EndpointRow> => {
  const [row] = await sql.query<EndpointRow>(`SELECT ${columns} FROM endpoint WHERE id = $1 FOR UPDATE`, [
    id,
  ]);
  if (!row) throw Problem.notFound('webhook endpoint');
  // Looked at again: it may have been changed since the call found it.
  allowEndpoint(call, row.workflows);
  if (expectedVersion !== null && expectedVersion !== row.version) {
    throw new Problem('version_mismatch', `The webhook endpoint is at version ${row.version}.`);
  }
  return row;
};

/** Newest first, at most `limit`, those older than `before`; of a limited key those in its reach. */
export const listEndpoints = (
  sql: Sql,
  { workspaceId, identity }: Call,
  before: string | null,
  limit: number,
): Promise<EndpointRow[]> =>
  sql.query<EndpointRow>(
    `SELECT ${columns} FROM endpoint
      WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2)
        AND ($4::text[] IS NULL OR (cardinality(workflows) > 0 AND workflows <@ $4))
      ORDER BY id DESC LIMIT $3`,
    [workspaceId, before, limit, identity.key.workflows],
  );

export interface EndpointSettings {
  url: string;
  events: string[];
  format: EndpointFormat;
  workflows: string[] | null;
  description: string | null;
  signing: Signing;
  ordering: Ordering;
}

export interface NewEndpoint extends EndpointSettings {
  id: string;
  workspaceId: string;
  /** The person who made it, told when it is disabled; null when a key did so by itself. */
  ownerId: string | null;
  secret: NewSecret;
}

export const insertEndpoint = async (
  sql: Sql,
  { id, workspaceId, ownerId, secret, ...settings }: NewEndpoint,
): Promise<EndpointRow> => {
  const rows = await sql.query<EndpointRow>(
    `INSERT INTO endpoint (id, workspace_id, url, events, format, workflows, description, signing, ordering, ordered_since, owner_id, secret, public_key)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $9 = 'per-request' THEN now() END, $10, $11, $12) RETURNING ${columns}`,
    [
      id,
      workspaceId,
      settings.url,
      settings.events,
      settings.format,
      settings.workflows,
      settings.description,
      settings.signing,
      settings.ordering,
      ownerId,
      secret.sealed,
      secret.publicKey,
    ],
  );
  return only(rows);
};

export const updateEndpoint = async (
  sql: Sql,
  id: string,
  settings: EndpointSettings,
): Promise<EndpointRow> => {
  const rows = await sql.query<EndpointRow>(
    `UPDATE endpoint SET url = $2, events = $3, format = $4, workflows = $5, description = $6, ordering = $7,
            ordered_since = CASE WHEN $7 = 'per-request' THEN coalesce(ordered_since, now()) END, version = version + 1, updated_at = now()
      WHERE id = $1 RETURNING ${columns}`,
    [
      id,
      settings.url,
      settings.events,
      settings.format,
      settings.workflows,
      settings.description,
      settings.ordering,
    ],
  );
  return only(rows);
};

export const enableEndpoint = async (sql: Sql, id: string): Promise<EndpointRow> => {
  const rows = await sql.query<EndpointRow>(
    `UPDATE endpoint SET state = 'enabled', disabled_reason = NULL, version = version + 1, updated_at = now()
      WHERE id = $1 RETURNING ${columns}`,
    [id],
  );
  return only(rows);
};

/**
 * The old secret or key goes on signing for a while, also when the new one is of the other kind, and so do those before it.
 * Of a locked endpoint. Throws Problem rate_limited when too many are in force.
 */
export const rotateSecret = async (
  sql: Sql,
  id: string,
  signing: Signing,
  { sealed, publicKey }: NewSecret,
): Promise<EndpointRow> => {
  const [former] = await sql.query<{ inForce: number; seconds: number }>(
    `SELECT count(*)::int AS "inForce", ceil(extract(epoch FROM min(until) - now()))::int AS seconds
       FROM (SELECT (jsonb_array_elements(former_secrets) ->> 'until')::timestamptz AS until FROM endpoint WHERE id = $1) f
      WHERE until > now()`,
    [id],
  );
  if (former && former.inForce >= mostFormer) {
    throw new Problem(
      'rate_limited',
      `${mostFormer} older secrets sign beside the present one; a new one can be made when the first of them no longer does.`,
      { headers: { 'retry-after': String(former.seconds) } },
    );
  }
  const rows = await sql.query<EndpointRow>(
    `UPDATE endpoint
        SET former_secrets = (SELECT coalesce(jsonb_agg(f), '[]') FROM jsonb_array_elements(former_secrets) f
                               WHERE (f ->> 'until')::timestamptz > now())
              || jsonb_build_object('sealed', encode(secret, 'hex'), 'publicKey', public_key,
                                    'until', now() + interval '${rotationHours} hours'),
            secret = $2, public_key = $3, signing = $4, version = version + 1, updated_at = now()
      WHERE id = $1 RETURNING ${columns}`,
    [id, sealed, publicKey, signing],
  );
  return only(rows);
};

/** All secrets of an endpoint `e` that sign now, the present one first: hex of what is sealed. */
export const secretsInForce = `array(
  SELECT encode(e.secret, 'hex')
   UNION ALL
  SELECT f ->> 'sealed' FROM jsonb_array_elements(e.former_secrets) f WHERE (f ->> 'until')::timestamptz > now())`;

/** Its deliveries stay as history; those that were under way are not made any more. */
export const deleteEndpoint = async (sql: Sql, id: string): Promise<void> => {
  await sql.query(
    `WITH gone AS (DELETE FROM endpoint WHERE id = $1 RETURNING id, workspace_id)
     INSERT INTO endpoint_health (endpoint_id, workspace_id, drain) SELECT id, workspace_id, 'skip' FROM gone
     ON CONFLICT (endpoint_id) DO UPDATE SET ${wellAgain}, drain = 'skip'`,
    [id],
  );
};

/**
 * Somebody has put something right: what has failed so far counts no more, and what is held goes out. That it was told to fail
 * stays, until a delivery shows that it does no longer.
 */
export const giveAnotherChance = async (sql: Sql, id: string): Promise<void> => {
  await sql.query(`UPDATE endpoint_health SET ${wellAgain}, drain = 'release' WHERE endpoint_id = $1`, [id]);
};

const wellAgain = `failing_since = NULL, failures = 0, is_open = false, probe_at = NULL, probing = NULL`;

const only = (rows: EndpointRow[]): EndpointRow => {
  const [row] = rows;
  if (!row) throw Problem.notFound('webhook endpoint');
  return row;
};
