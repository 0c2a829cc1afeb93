/*
 * The only ways across the border of a workspace. They run as the owner of the tables (SECURITY DEFINER), so each does
 * one narrow thing, with a search_path of its own (PostgreSQL manual, CREATE FUNCTION, "Writing SECURITY DEFINER
 * Functions Safely").
 */

export interface DatabaseFunction {
  signature: string;
  definition: (schema: string) => string;
}

const asOwner = (schema: string): string => `SECURITY DEFINER SET search_path = ${schema}, pg_temp`;

/** The key with this hash and its workspace: no row when there is none, or when it is expired or revoked. */
export const findKey: DatabaseFunction = {
  signature: 'find_key(bytea)',
  definition: (schema) => `
    CREATE FUNCTION find_key(wanted bytea)
    RETURNS TABLE (key_id uuid, key_name text, scopes text[], workflows text[], expires_at timestamptz,
                   workspace_id uuid, workspace_name text, workspace_kind text)
    LANGUAGE sql STABLE ${asOwner(schema)} AS $$
      SELECT k.id, k.name, k.scopes, k.workflows, k.expires_at, w.id, w.name, w.kind
        FROM api_key k JOIN workspace w ON w.id = k.workspace_id
       WHERE k.hash = wanted AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    $$`,
};

/**
 * Makes the key of COUNTERSIGN_ADMIN_KEY the one root key, in the workspace \`default\`, which it creates when it is
 * missing; revokes the root key before it. Gateways that start at the same time wait for each other. What follows in the
 * transaction is of this workspace; what has changed is answered, for the log.
 */
export const ensureAdminKey: DatabaseFunction = {
  signature: 'ensure_admin_key(bytea, uuid, uuid)',
  definition: (schema) => `
    CREATE FUNCTION ensure_admin_key(wanted bytea, new_workspace_id uuid, new_key_id uuid)
    RETURNS TABLE (home uuid, made_workspace boolean, made_key uuid, revoked_keys uuid[])
    LANGUAGE plpgsql ${asOwner(schema)} AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('${schema}.ensure_admin_key'));
      INSERT INTO workspace (id, name, kind, is_default) VALUES (new_workspace_id, 'default', 'live', true)
        ON CONFLICT DO NOTHING;
      made_workspace := FOUND;
      SELECT id INTO STRICT home FROM workspace WHERE is_default;
      IF EXISTS (SELECT 1 FROM api_key WHERE hash = wanted AND workspace_id <> home) THEN
        RAISE EXCEPTION 'the key of COUNTERSIGN_ADMIN_KEY belongs to another workspace';
      END IF;
      WITH gone AS (
        UPDATE api_key SET root = false, revoked_at = coalesce(revoked_at, now()), version = version + 1
         WHERE root AND hash <> wanted RETURNING id
      ) SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO revoked_keys FROM gone;
      INSERT INTO api_key AS k (id, workspace_id, name, hash, scopes, root)
      VALUES (new_key_id, home, 'COUNTERSIGN_ADMIN_KEY', wanted, '{admin}', true)
      ON CONFLICT (hash) DO UPDATE
         SET root = true, scopes = '{admin}', workflows = NULL, expires_at = NULL, revoked_at = NULL, version = k.version + 1
       WHERE NOT k.root OR k.revoked_at IS NOT NULL
      RETURNING k.id INTO made_key;
      PERFORM set_config('app.workspaces', home::text, true);
      RETURN NEXT;
    END $$`,
};

/** Creates a workspace with its first key, scope admin. False, and nothing happens, when the caller's key is not the root key. */
export const createWorkspace: DatabaseFunction = {
  signature: 'create_workspace(uuid, uuid, text, text, uuid, bytea)',
  definition: (schema) => `
    CREATE FUNCTION create_workspace(caller uuid, new_id uuid, new_name text, new_kind text, new_key_id uuid, new_hash bytea)
    RETURNS boolean LANGUAGE plpgsql ${asOwner(schema)} AS $$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM api_key WHERE id = caller AND root AND revoked_at IS NULL) THEN
        RETURN false;
      END IF;
      INSERT INTO workspace (id, name, kind) VALUES (new_id, new_name, new_kind);
      INSERT INTO api_key (id, workspace_id, name, hash, scopes) VALUES (new_key_id, new_id, 'admin', new_hash, '{admin}');
      RETURN true;
    END $$`,
};

/** Workspaces, newest first, after the one with id \`after\`; none when the caller's key is not the root key. */
export const listWorkspaces: DatabaseFunction = {
  signature: 'list_workspaces(uuid, uuid, int)',
  definition: (schema) => `
    CREATE FUNCTION list_workspaces(caller uuid, after uuid, most int)
    RETURNS TABLE (id uuid, name text, kind text)
    LANGUAGE sql STABLE ${asOwner(schema)} AS $$
      SELECT w.id, w.name, w.kind FROM workspace w
       WHERE EXISTS (SELECT 1 FROM api_key k WHERE k.id = caller AND k.root AND k.revoked_at IS NULL)
         AND (after IS NULL OR w.id < after)
       ORDER BY w.id DESC LIMIT most
    $$`,
};
