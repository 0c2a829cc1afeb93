import { createErasureTables } from '@countersign/erasure';
import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import { createIdempotencyTable } from '@countersign/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const schema = 'approver_resolution';

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createMessagingTables(runner, schema);
    await createIdempotencyTable(runner, schema);
    await createErasureTables(runner, schema);
    await directory(runner);
    await emails(runner);
    await filters(runner);
    await resolutions(runner);
    for (const table of [
      'user_',
      'user_role',
      'user_email',
      'group_',
      'membership',
      'group_nesting',
      'directory_change',
      'resolution',
      'resolver_call',
      'resolver_answer',
      'resolver_secret',
    ]) {
      await isolateByWorkspace(runner, table);
    }
    await openToRelay(runner, 'resolver_call', 'SELECT, UPDATE', roleOf(schema, 'relay'));
    await openToRelay(runner, 'resolver_answer', 'SELECT, DELETE', roleOf(schema, 'relay'));
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}

/*
 * Row-level security adds a condition on workspace_id to every statement. The planner multiplies the selectivity of a
 * second one, expects a single row, and then takes any index that starts with workspace_id: 10,000 times for a group of
 * 10,000. So indexes start with what selects and end with the workspace (else the planner, while it has no statistics,
 * intersects them with one that starts with it), ids are unique by themselves, and statements name the workspace only
 * where a key does not settle it, in a form that no index answers to.
 */
const directory = async (runner: QueryRunner): Promise<void> => {
  // `user_name_key` is the name in lower case as a column of its own: under row-level security an index on
  // lower(user_name) is not used, because lower() is not leakproof.
  await runner.query(`
    CREATE TABLE user_ (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      external_id text,
      user_name text NOT NULL,
      user_name_key text NOT NULL,
      display_name text NOT NULL,
      email text,
      active boolean NOT NULL,
      department text,
      region text,
      approval_limit double precision,
      manager_id uuid,
      resource json NOT NULL,
      version bigint NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now(),
      changed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (id),
      UNIQUE (workspace_id, id),
      CONSTRAINT one_user_per_name UNIQUE (user_name_key, workspace_id),
      CONSTRAINT manager_is_user FOREIGN KEY (workspace_id, manager_id) REFERENCES user_ (workspace_id, id)
    )`);
  await runner.query('CREATE INDEX user_external_id ON user_ (external_id, workspace_id)');
  await runner.query('CREATE INDEX user_manager ON user_ (manager_id)');
  // `roles[].value` in lower case; the user's `resource` has them as they were given. Every workspace has the same ones.
  await runner.query(`
    CREATE TABLE user_role (
      workspace_id uuid NOT NULL,
      role_key text NOT NULL,
      user_id uuid NOT NULL,
      PRIMARY KEY (role_key, workspace_id, user_id),
      FOREIGN KEY (workspace_id, user_id) REFERENCES user_ (workspace_id, id) ON DELETE CASCADE
    )`);
  await runner.query('CREATE INDEX user_role_user ON user_role (user_id)');
  // `display_name_key` is what providers look groups up by; it is a column as `user_name_key` is.
  await runner.query(`
    CREATE TABLE group_ (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      external_id text,
      display_name text NOT NULL,
      display_name_key text NOT NULL GENERATED ALWAYS AS (lower(display_name)) STORED,
      version bigint NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now(),
      changed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (id),
      UNIQUE (workspace_id, id)
    )`);
  await runner.query('CREATE INDEX group_external_id ON group_ (external_id, workspace_id)');
  await runner.query('CREATE INDEX group_display_name ON group_ (display_name, workspace_id)');
  await runner.query('CREATE INDEX group_display_name_key ON group_ (display_name_key, workspace_id)');
  await runner.query(`
    CREATE TABLE membership (
      workspace_id uuid NOT NULL,
      group_id uuid NOT NULL,
      user_id uuid NOT NULL,
      PRIMARY KEY (group_id, user_id),
      FOREIGN KEY (workspace_id, group_id) REFERENCES group_ (workspace_id, id) ON DELETE CASCADE,
      CONSTRAINT member_is_user FOREIGN KEY (workspace_id, user_id) REFERENCES user_ (workspace_id, id) ON DELETE CASCADE
    )`);
  await runner.query('CREATE INDEX membership_user ON membership (user_id)');
  // Groups in groups; cycles are allowed (RFC 7644 §3.7.1 makes one), so every walk stops where it has been.
  await runner.query(`
    CREATE TABLE group_nesting (
      workspace_id uuid NOT NULL,
      group_id uuid NOT NULL,
      member_id uuid NOT NULL,
      PRIMARY KEY (group_id, member_id),
      FOREIGN KEY (workspace_id, group_id) REFERENCES group_ (workspace_id, id) ON DELETE CASCADE,
      FOREIGN KEY (workspace_id, member_id) REFERENCES group_ (workspace_id, id) ON DELETE CASCADE
    )`);
  await runner.query('CREATE INDEX group_nesting_member ON group_nesting (member_id)');
  // How often the directory was changed, users, groups and delegations alike: the sum is its version.
  await runner.query(`
    CREATE TABLE directory_change (
      workspace_id uuid NOT NULL,
      slot int NOT NULL,
      changes bigint NOT NULL,
      PRIMARY KEY (workspace_id, slot)
    ) WITH (fillfactor = 50)`);
};

/**
 * `emails[].value` in lower case, which providers look users up by, wherever the directory is written; as much of it as an
 * index takes. Runs as whoever changes the user: row-level security holds.
 */
const emails = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE user_email (
      workspace_id uuid NOT NULL,
      email_key text NOT NULL,
      user_id uuid NOT NULL,
      PRIMARY KEY (email_key, workspace_id, user_id),
      FOREIGN KEY (workspace_id, user_id) REFERENCES user_ (workspace_id, id) ON DELETE CASCADE
    )`);
  await runner.query('CREATE INDEX user_email_user ON user_email (user_id)');
  await runner.query(`
    CREATE FUNCTION email_keys (resource json) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
      SELECT DISTINCT left(lower(item ->> 'value'), 256)
        FROM json_array_elements(CASE json_typeof(resource -> 'emails') WHEN 'array' THEN resource -> 'emails' END) AS e (item)
       WHERE item ->> 'value' IS NOT NULL
    $$`);
  // A load makes thousands of users in one statement, and the rows of all of them in one.
  await runner.query(`
    CREATE FUNCTION keep_first_emails () RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
    BEGIN
      INSERT INTO user_email (workspace_id, email_key, user_id)
      SELECT m.workspace_id, k, m.id FROM made m CROSS JOIN LATERAL email_keys(m.resource) AS k;
      RETURN NULL;
    END $$`);
  await runner.query(`
    CREATE TRIGGER first_emails_of_user AFTER INSERT ON user_ REFERENCING NEW TABLE AS made
      FOR EACH STATEMENT EXECUTE FUNCTION keep_first_emails()`);
  await runner.query(`
    CREATE FUNCTION keep_emails () RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
    BEGIN
      IF (NEW.resource -> 'emails')::text IS DISTINCT FROM (OLD.resource -> 'emails')::text THEN
        DELETE FROM user_email WHERE user_id = NEW.id;
        INSERT INTO user_email (workspace_id, email_key, user_id)
        SELECT NEW.workspace_id, k, NEW.id FROM email_keys(NEW.resource) AS k;
      END IF;
      RETURN NULL;
    END $$`);
  await runner.query(`
    CREATE TRIGGER emails_of_user AFTER UPDATE OF resource ON user_
      FOR EACH ROW EXECUTE FUNCTION keep_emails()`);
};

/**
 * SCIM filters and sorting are open-ended, and every statement text of the application is prepared and kept. So a
 * statement, made of our own constants, is handed to a function that plans it once and forgets it. The function runs as
 * its caller: row-level security holds.
 */
const filters = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE FUNCTION found_ids (statement text, workspace uuid, parameters text[])
    RETURNS TABLE (kind text, id uuid) LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
    BEGIN
      RETURN QUERY EXECUTE statement USING workspace, parameters;
    END $$`);
};

const resolutions = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE resolution (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      request_id uuid NOT NULL,
      stage_key text NOT NULL,
      state text NOT NULL CHECK (state IN ('calling', 'settled')),
      question json NOT NULL,
      result json,
      evidence json,
      created_at timestamptz NOT NULL DEFAULT now(),
      settled_at timestamptz,
      PRIMARY KEY (id)
    )`);
  await runner.query('CREATE INDEX resolution_request ON resolution (request_id)');
  // Lives as long as the calls go on. `attempt` fences: only who holds the current one may write.
  await runner.query(`
    CREATE TABLE resolver_call (
      workspace_id uuid NOT NULL,
      resolution_id uuid NOT NULL,
      attempt int NOT NULL,
      state text NOT NULL CHECK (state IN ('announced', 'calling', 'waiting')),
      due_at timestamptz,
      targets json NOT NULL,
      longest_timeout_ms int NOT NULL,
      bodies json NOT NULL,
      question_hash text,
      answers json NOT NULL,
      evidence json NOT NULL,
      cause json NOT NULL,
      PRIMARY KEY (resolution_id)
    )`);
  await runner.query('CREATE INDEX resolver_call_due ON resolver_call (due_at) WHERE due_at IS NOT NULL');
  // Answers that their webhooks let us keep. The key is a digest of workspace, URL and question.
  await runner.query(`
    CREATE TABLE resolver_answer (
      workspace_id uuid NOT NULL,
      key bytea NOT NULL,
      refs json NOT NULL,
      asked_at timestamptz NOT NULL,
      request_hash text NOT NULL,
      answer_hash text NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (key)
    )`);
  await runner.query('CREATE INDEX resolver_answer_expiry ON resolver_answer (expires_at)');
  await runner.query(`
    CREATE TABLE resolver_secret (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      sealed bytea NOT NULL,
      retires_at timestamptz,
      PRIMARY KEY (id)
    )`);
  await runner.query('CREATE INDEX resolver_secret_workspace ON resolver_secret (workspace_id)');
};
