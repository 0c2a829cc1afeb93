import { allowWorkflows, Problem, type Call } from '@countersign/service-kit';
import type { Sql } from '@countersign/persistence';
import type { EndpointFormat, EndpointRow } from './endpoint';

/** An old secret signs this long beside the new one (product §3). */
const rotationHours = 24;

const columns = `id, url, events, format, workflows, description, signing, ordering, state, disabled_reason, version, created_at, updated_at`;

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
}

export const insertEndpoint = async (
  sql: Sql,
  id: string,
  workspaceId: string,
  settings: EndpointSettings,
  sealedSecret: Buffer,
): Promise<EndpointRow> => {
  const rows = await sql.query<EndpointRow>(
    `INSERT INTO endpoint (id, workspace_id, url, events, format, workflows, description, signing, ordering, secret)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'hmac', 'none', $8) RETURNING ${columns}`,
    [
      id,
      workspaceId,
      settings.url,
      settings.events,
      settings.format,
      settings.workflows,
      settings.description,
      sealedSecret,
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
    `UPDATE endpoint SET url = $2, events = $3, format = $4, workflows = $5, description = $6, version = version + 1, updated_at = now()
      WHERE id = $1 RETURNING ${columns}`,
    [id, settings.url, settings.events, settings.format, settings.workflows, settings.description],
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

export const rotateSecret = async (sql: Sql, id: string, sealedSecret: Buffer): Promise<EndpointRow> => {
  const rows = await sql.query<EndpointRow>(
    `UPDATE endpoint
        SET previous_secret = secret, previous_until = now() + interval '${rotationHours} hours', secret = $2,
            version = version + 1, updated_at = now()
      WHERE id = $1 RETURNING ${columns}`,
    [id, sealedSecret],
  );
  return only(rows);
};

/** Its deliveries stay as history; those that were under way are not made any more. */
export const deleteEndpoint = async (sql: Sql, id: string): Promise<void> => {
  await sql.query('DELETE FROM endpoint WHERE id = $1', [id]);
};

const only = (rows: EndpointRow[]): EndpointRow => {
  const [row] = rows;
  if (!row) throw Problem.notFound('webhook endpoint');
  return row;
};
