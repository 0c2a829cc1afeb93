import { createDirectoryReplicaTables } from '@countersign/directory-replica';
import { createErasureTables } from '@countersign/erasure';
import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import { createIdempotencyTable } from '@countersign/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const schema = 'notification';

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createMessagingTables(runner, schema);
    await createIdempotencyTable(runner, schema);
    await createDirectoryReplicaTables(runner, 'notification');
    await createErasureTables(runner, 'notification');
    await createWorkspace(runner);
    await createPreference(runner);
    await createRequestPayload(runner);
    await createEndpoint(runner);
    await createEvent(runner);
    await createDelivery(runner);
    await createEndpointHealth(runner);
    await createEndpointHour(runner);
    await createRequestTold(runner);
    await createMail(runner);
    await createChat(runner);
  }

  async down(): Promise<void> {
    throw new Error('there is no way back before the first version');
  }
}

/** What people are told about their workspace, as intake says. */
const createWorkspace = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE workspace (
      workspace_id uuid PRIMARY KEY,
      name text NOT NULL,
      language text NOT NULL,
      timezone text NOT NULL,
      decision_links boolean NOT NULL,
      decision_link_days int NOT NULL,
      version int NOT NULL
    )`);
  await isolateByWorkspace(runner, 'workspace');
};

/** How people want to be told; as a whole, the way they said it. */
const createPreference = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE notification_preference (
      workspace_id uuid NOT NULL,
      person_id uuid NOT NULL,
      preferences json NOT NULL,
      version int NOT NULL,
      PRIMARY KEY (person_id, workspace_id)
    )`);
  await isolateByWorkspace(runner, 'notification_preference');
};

/** The payload of each revision of a request: transitions carry it once. */
const createRequestPayload = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE request_payload (
      workspace_id uuid NOT NULL,
      request_id uuid NOT NULL,
      revision int NOT NULL,
      payload json NOT NULL,
      PRIMARY KEY (workspace_id, request_id, revision)
    )`);
  await isolateByWorkspace(runner, 'request_payload');
};

const createEndpoint = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE endpoint (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      url text NOT NULL,
      events text[] NOT NULL,
      format text NOT NULL,
      workflows text[],
      description text,
      signing text NOT NULL,
      ordering text NOT NULL,
      ordered_since timestamptz,
      owner_id uuid,
      state text NOT NULL DEFAULT 'enabled',
      disabled_reason text,
      secret bytea NOT NULL,
      public_key text,
      former_secrets jsonb NOT NULL DEFAULT '[]',
      version int NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )`);
  await runner.query('CREATE INDEX endpoint_workspace ON endpoint (workspace_id, id)');
  await isolateByWorkspace(runner, 'endpoint');
};

/** What subscribers are sent, byte for byte; only events that somebody subscribed to. The id is the webhook-id. */
const createEvent = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE event (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      request_id uuid,
      type text NOT NULL,
      at timestamptz NOT NULL,
      standard text,
      easylife text
    )`);
  await runner.query('CREATE INDEX event_request ON event (workspace_id, request_id)');
  await isolateByWorkspace(runner, 'event');
};

/**
 * `attempt` numbers the attempt under way and fences everything that writes about it; `tries` counts the ones
 * that ended, and so says where in the retry schedule the delivery is. `due_at` is when somebody should look at
 * it next: when the next attempt is due, or when the one under way must be given up for lost. What is `held` waits for its
 * endpoint's circuit, and nobody looks at it until then. `place` is where an event stands among those of its request; only
 * deliveries of an endpoint that wants them in order have one. `untold`: it has ended, and the log is still to be told.
 */
const createDelivery = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE delivery (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      endpoint_id uuid NOT NULL,
      event_id uuid NOT NULL,
      request_id uuid,
      place bigint,
      format text NOT NULL,
      state text NOT NULL,
      attempt int NOT NULL DEFAULT 1,
      tries int NOT NULL DEFAULT 0,
      due_at timestamptz,
      held boolean NOT NULL DEFAULT false,
      correlation_id uuid NOT NULL,
      traceparent text,
      created_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      untold boolean NOT NULL DEFAULT false,
      CONSTRAINT delivery_once UNIQUE (endpoint_id, event_id),
      CONSTRAINT delivery_due CHECK ((state = 'pending') = (due_at IS NOT NULL)),
      CONSTRAINT delivery_held CHECK (state = 'pending' OR NOT held)
    )`);
  await runner.query('CREATE INDEX delivery_list ON delivery (workspace_id, endpoint_id, id)');
  await runner.query(
    `CREATE INDEX delivery_due_at ON delivery (due_at) INCLUDE (endpoint_id) WHERE state = 'pending' AND NOT held`,
  );
  await runner.query('CREATE INDEX delivery_held_at ON delivery (endpoint_id, due_at) WHERE held');
  await runner.query(
    `CREATE INDEX delivery_in_order ON delivery (endpoint_id, request_id, place) WHERE state = 'pending' AND place IS NOT NULL`,
  );
  // Few of many: what succeeded is found by delivery_list.
  await runner.query(
    `CREATE INDEX delivery_unfinished ON delivery (endpoint_id, state, id) WHERE state <> 'succeeded'`,
  );
  await runner.query('CREATE INDEX delivery_untold ON delivery (id) WHERE untold');
  await isolateByWorkspace(runner, 'delivery');
  await openToRelay(runner, 'delivery', 'SELECT, UPDATE', roleOf(schema, 'relay'));
  await runner.query(`
    CREATE TABLE delivery_attempt (
      delivery_id uuid NOT NULL,
      number int NOT NULL,
      workspace_id uuid NOT NULL,
      at timestamptz NOT NULL,
      status int,
      latency_ms int NOT NULL,
      error text,
      response text,
      PRIMARY KEY (delivery_id, number)
    )`);
  await isolateByWorkspace(runner, 'delivery_attempt');
};

/**
 * How calls to an endpoint fare; there is a row once one has failed. `failures` counts those in a row since `failing_since`.
 * While the circuit is open only `probing` is called, the next one at `probe_at`. `drain` is work left for the sweeper: what
 * is held is to be released, or what is pending to be skipped.
 */
const createEndpointHealth = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE endpoint_health (
      endpoint_id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      failing_since timestamptz,
      failures int NOT NULL DEFAULT 0,
      told_since timestamptz,
      is_open boolean NOT NULL DEFAULT false,
      probe_at timestamptz,
      probe_wait_ms int NOT NULL DEFAULT 0,
      probing uuid,
      drain text
    )`);
  await runner.query('CREATE INDEX endpoint_probe ON endpoint_health (probe_at) WHERE is_open');
  await runner.query('CREATE INDEX endpoint_drain ON endpoint_health (endpoint_id) WHERE drain IS NOT NULL');
  await isolateByWorkspace(runner, 'endpoint_health');
  await openToRelay(runner, 'endpoint_health', 'SELECT, UPDATE', roleOf(schema, 'relay'));
};

/** What attempts came to, hour by hour: the numbers that the API shows without counting history. */
const createEndpointHour = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE endpoint_hour (
      endpoint_id uuid NOT NULL,
      hour timestamptz NOT NULL,
      workspace_id uuid NOT NULL,
      attempts int NOT NULL,
      succeeded int NOT NULL,
      exhausted int NOT NULL,
      latency_ms bigint NOT NULL,
      PRIMARY KEY (endpoint_id, hour)
    )`);
  await isolateByWorkspace(runner, 'endpoint_hour');
  await runner.query('CREATE INDEX endpoint_hour_age ON endpoint_hour (hour)');
  await openToRelay(runner, 'endpoint_hour', 'SELECT, DELETE', roleOf(schema, 'relay'));
};

/**
 * Up to which version a request's transitions have been told, in workspaces where an endpoint wants them in order; forgotten
 * a while after the last of a request that is over.
 */
const createRequestTold = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE request_told (
      request_id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      version int NOT NULL,
      is_over boolean NOT NULL,
      told_at timestamptz NOT NULL DEFAULT now()
    )`);
  await runner.query('CREATE INDEX request_told_age ON request_told (told_at) WHERE is_over');
  await isolateByWorkspace(runner, 'request_told');
  await openToRelay(runner, 'request_told', 'SELECT, DELETE', roleOf(schema, 'relay'));
};

/**
 * `attempt`, `tries` and `due_at` as in `delivery`. Until `hold_until` a mail is `held`, with what it says for the digest that it may
 * become a part of; then it is sent, or `gathered` into another. On `standby` is what is told by chat: it is sent when that fails.
 */
const createMail = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE mail (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      event_id uuid NOT NULL,
      person_id uuid NOT NULL,
      request_id uuid,
      task_id uuid,
      recipient text,
      recipient_name text NOT NULL,
      subject text NOT NULL,
      text_body text NOT NULL,
      html_body text NOT NULL,
      links json NOT NULL DEFAULT '[]',
      content json,
      hold_until timestamptz,
      is_gathered boolean NOT NULL DEFAULT false,
      digest_id uuid,
      state text NOT NULL,
      attempt int NOT NULL DEFAULT 1,
      tries int NOT NULL DEFAULT 0,
      due_at timestamptz,
      error text,
      correlation_id uuid NOT NULL,
      traceparent text,
      created_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      untold boolean NOT NULL DEFAULT false,
      CONSTRAINT mail_once UNIQUE (event_id, person_id),
      CONSTRAINT mail_due CHECK ((state = 'pending') = (due_at IS NOT NULL)),
      CONSTRAINT mail_held CHECK ((state = 'held') = (hold_until IS NOT NULL))
    )`);
  await runner.query(`CREATE INDEX mail_hold_until ON mail (hold_until) WHERE state = 'held'`);
  await runner.query(`CREATE INDEX mail_held_for ON mail (person_id) WHERE state = 'held'`);
  await runner.query(`CREATE INDEX mail_waiting_about ON mail (task_id) WHERE state IN ('held', 'standby')`);
  await runner.query('CREATE INDEX mail_list ON mail (workspace_id, id)');
  await runner.query('CREATE INDEX mail_request ON mail (request_id) WHERE request_id IS NOT NULL');
  await runner.query('CREATE INDEX mail_person ON mail (person_id) WHERE request_id IS NULL');
  await runner.query('CREATE INDEX mail_digest ON mail (digest_id) WHERE digest_id IS NOT NULL');
  await runner.query(`CREATE INDEX mail_due_at ON mail (due_at) WHERE state = 'pending'`);
  await runner.query('CREATE INDEX mail_untold ON mail (id) WHERE untold');
  await isolateByWorkspace(runner, 'mail');
  await runner.query('CREATE INDEX mail_age ON mail USING brin (created_at)');
  await openToRelay(runner, 'mail', 'SELECT, UPDATE, DELETE', roleOf(schema, 'relay'));
};

/** `attempt`, `tries` and `due_at` as in `delivery`. The URL of a channel is sealed: whoever has it can post there. */
const createChat = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE chat_channel (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      name text NOT NULL,
      format text NOT NULL,
      url bytea NOT NULL,
      masked_url text NOT NULL,
      user_id uuid,
      group_name text,
      workflows text[],
      events text[] NOT NULL,
      state text NOT NULL DEFAULT 'enabled',
      disabled_reason text,
      last_failed_at timestamptz,
      last_error text,
      version int NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now()
    )`);
  await runner.query('CREATE INDEX chat_channel_workspace ON chat_channel (workspace_id, id)');
  await isolateByWorkspace(runner, 'chat_channel');
  await runner.query(`
    CREATE TABLE chat_message (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      channel_id uuid NOT NULL,
      event_id uuid NOT NULL,
      request_id uuid,
      task_id uuid,
      person_id uuid,
      body text NOT NULL,
      links json NOT NULL DEFAULT '[]',
      state text NOT NULL DEFAULT 'pending',
      attempt int NOT NULL DEFAULT 0,
      tries int NOT NULL DEFAULT 0,
      due_at timestamptz,
      error text,
      correlation_id uuid NOT NULL,
      traceparent text,
      created_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      untold boolean NOT NULL DEFAULT false,
      CONSTRAINT chat_once UNIQUE (channel_id, event_id),
      CONSTRAINT chat_due CHECK ((state = 'pending') = (due_at IS NOT NULL))
    )`);
  await runner.query('CREATE INDEX chat_message_list ON chat_message (channel_id, id)');
  await runner.query('CREATE INDEX chat_message_request ON chat_message (request_id)');
  await runner.query(`CREATE INDEX chat_message_due_at ON chat_message (due_at) WHERE state = 'pending'`);
  await runner.query(
    `CREATE INDEX chat_message_about ON chat_message (task_id) WHERE state = 'pending' AND attempt = 0`,
  );
  await runner.query('CREATE INDEX chat_message_untold ON chat_message (id) WHERE untold');
  await isolateByWorkspace(runner, 'chat_message');
  await runner.query('CREATE INDEX chat_message_age ON chat_message USING brin (created_at)');
  await openToRelay(runner, 'chat_message', 'SELECT, UPDATE, DELETE', roleOf(schema, 'relay'));
};
