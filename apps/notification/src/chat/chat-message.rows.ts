import type { Cause } from '@countersign/messaging';
import type { Sql, TransactionSql } from '@countersign/persistence';
import type { KeptLink } from '../mail/plan-mail';
import { dropStandbyMails, releaseStandbyMails } from '../mail/standby-mail.rows';
import type { ChatFormat } from './chat-channel';
import { chatColumns, type EndedChat } from './chat-endings';
import type { PlannedChat } from './plan-chat';

/** An attempt must be over and recorded by then. */
export const chatLeaseSeconds = 45;

/** Writes messages, each once a channel and event, whatever copy of a transition brings them. */
export const writeChats = (
  sql: TransactionSql,
  planned: readonly (PlannedChat & { cause: Cause })[],
): void => {
  if (planned.length === 0) return;
  // Sorted, so that two copies of a transition handled at once wait for each other instead of dead-locking.
  const chats = [...planned].sort((a, b) => (a.channelId + a.eventId < b.channelId + b.eventId ? -1 : 1));
  sql.write(
    `INSERT INTO chat_message (id, workspace_id, channel_id, event_id, request_id, person_id, body, links, due_at, correlation_id, traceparent, task_id)
     SELECT id, workspace_id, channel_id, event_id, request_id, person_id, body, links, coalesce(due_at, now()), correlation_id, traceparent, task_id
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::json[], $9::timestamptz[],
                   $10::uuid[], $11::text[], $12::uuid[])
         AS c (id, workspace_id, channel_id, event_id, request_id, person_id, body, links, due_at, correlation_id, traceparent, task_id)
     ON CONFLICT ON CONSTRAINT chat_once DO NOTHING`,
    [
      chats.map(({ id }) => id),
      chats.map(({ workspaceId }) => workspaceId),
      chats.map(({ channelId }) => channelId),
      chats.map(({ eventId }) => eventId),
      chats.map(({ requestId }) => requestId),
      chats.map(({ personId }) => personId),
      chats.map(({ body }) => body),
      chats.map(({ links }) => JSON.stringify(links)),
      chats.map(({ until }) => until),
      chats.map(({ cause }) => cause.correlationId),
      chats.map(({ cause }) => cause.traceparent),
      chats.map(({ taskId }) => taskId),
    ],
  );
};

/** Writes a message that tries a channel: about no request, and due at once. */
export const writeTestChat = (
  sql: TransactionSql,
  { id, workspaceId, channelId, body }: Pick<PlannedChat, 'id' | 'workspaceId' | 'channelId' | 'body'>,
  { correlationId, traceparent }: Cause,
): void =>
  sql.write(
    `INSERT INTO chat_message (id, workspace_id, channel_id, event_id, body, due_at, correlation_id, traceparent)
     VALUES ($1, $2, $3, $1, $4, now(), $5, $6)`,
    [id, workspaceId, channelId, body, correlationId, traceparent],
  );

export interface TestedChat extends Record<string, unknown> {
  state: 'pending' | 'sent' | 'failed' | 'skipped';
  tries: number;
  error: string | null;
}

export const readTestChat = async (sql: Sql, id: string): Promise<TestedChat | undefined> =>
  (await sql.query<TestedChat>('SELECT state, tries, error FROM chat_message WHERE id = $1', [id]))[0];

/** Questions about tasks that are not open any more are not sent, as far as nobody has begun to. */
export const skipAnsweredChats = (sql: TransactionSql, taskIds: readonly string[]): void => {
  if (taskIds.length === 0) return;
  sql.write(
    `UPDATE chat_message SET state = 'skipped', error = 'the task was closed before the message was sent', due_at = NULL, finished_at = now(), untold = true
      WHERE id IN (SELECT id FROM chat_message WHERE task_id = ANY ($1::uuid[]) AND state = 'pending' AND attempt = 0
                    ORDER BY id FOR UPDATE)`,
    [taskIds],
  );
};

export interface ClaimedChat extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  attempt: number;
}

/** What is claimed at one look, and at most of one channel, so that the backlog of one is not in the way of others. */
const claimLimits = { all: 200, perChannel: 20, examined: 2_000 };

/** Leases messages whose time has come, each for one attempt of this process. Across workspaces: for the sweeper's role. */
export const claimChats = (sql: Sql, busyChannels: readonly string[]): Promise<ClaimedChat[]> =>
  sql.query<ClaimedChat>(
    `WITH candidate AS (
       SELECT id, row_number() OVER (PARTITION BY channel_id ORDER BY due_at) AS place
         FROM (SELECT id, channel_id, due_at FROM chat_message
                WHERE state = 'pending' AND due_at <= now() AND channel_id <> ALL ($1::uuid[])
                ORDER BY due_at LIMIT ${claimLimits.examined}) AS oldest
     ), due AS (
       SELECT m.id FROM chat_message m JOIN candidate c ON c.id = m.id
        WHERE c.place <= ${claimLimits.perChannel} AND m.state = 'pending' AND m.due_at <= now()
        ORDER BY m.due_at LIMIT ${claimLimits.all} FOR UPDATE OF m SKIP LOCKED
     )
     UPDATE chat_message m SET attempt = m.attempt + 1, due_at = now() + interval '${chatLeaseSeconds} seconds'
       FROM due WHERE m.id = due.id
     RETURNING m.id, m.workspace_id, m.attempt`,
    [busyChannels],
  );

export interface LeasedChat extends ClaimedChat {
  channel_id: string;
  person_id: string | null;
  body: string;
  links: KeptLink[];
  tries: number;
  traceparent: string | null;
  format: ChatFormat;
  /** Sealed. */
  url: Buffer;
}

/** Claimed messages with where they go; those whose channel is gone or disabled are skipped for good, and a person gets mail. */
export const openChats = async (
  sql: TransactionSql,
  claimed: readonly ClaimedChat[],
  mailState: 'pending' | 'captured',
): Promise<LeasedChat[]> => {
  const ids = claimed.map(({ id }) => id);
  sql.write(
    `UPDATE chat_message m SET state = 'skipped', error = 'the channel is disabled or gone', due_at = NULL, finished_at = now(), untold = true
      WHERE m.id = ANY ($1::uuid[]) AND m.state = 'pending'
        AND NOT EXISTS (SELECT FROM chat_channel c WHERE c.id = m.channel_id AND c.state = 'enabled')`,
    [ids],
  );
  releaseStandbyMails(sql, ids, mailState);
  return sql.query<LeasedChat>(
    `SELECT m.id, m.workspace_id, m.attempt, m.channel_id, m.person_id, m.body, m.links, m.tries, m.traceparent, c.format, c.url
       FROM unnest($1::uuid[], $2::int[]) AS claimed (id, attempt)
       JOIN chat_message m ON m.id = claimed.id AND m.attempt = claimed.attempt AND m.state = 'pending'
       JOIN chat_channel c ON c.id = m.channel_id`,
    [ids, claimed.map(({ attempt }) => attempt)],
  );
};

/** Has what waits for another attempt looked at soon: its channel is not there any more, so that it ends, and goes by mail. */
export const hastenChats = (sql: TransactionSql, channelIds: readonly string[]): void =>
  sql.write(
    // Beyond a lease nobody is calling; what has not been tried waits for its person's hours.
    `UPDATE chat_message SET due_at = now()
      WHERE id IN (SELECT id FROM chat_message
                    WHERE channel_id = ANY ($1::uuid[]) AND state = 'pending' AND attempt > 0
                      AND due_at > now() + interval '${chatLeaseSeconds} seconds'
                    ORDER BY id FOR UPDATE SKIP LOCKED)`,
    [channelIds],
  );

/** What is to be written about a leased message. */
export interface ChatOutcome {
  messageId: string;
  channelId: string;
  workspaceId: string;
  /** Whose channel it is; null for one that several people read. */
  personId: string | null;
  attempt: number;
  state: 'pending' | 'sent' | 'failed';
  /** Until the next attempt; null unless `pending`. */
  delayMs: number | null;
  error: string | null;
  isTry: boolean;
  /** The channel is not there any more. */
  isGone: boolean;
}

type PendingChat = Omit<EndedChat, 'state'> & { state: 'pending' };

/**
 * Writes what attempts came to; one that was taken over since leaves no trace. What cannot be posted goes by mail. Answers what
 * is over by it.
 */
export const recordChats = async (
  sql: TransactionSql,
  outcomes: readonly ChatOutcome[],
  mailState: 'pending' | 'captured',
): Promise<EndedChat[]> => {
  const gone = [...new Set(outcomes.filter(({ isGone }) => isGone).map(({ channelId }) => channelId))].sort();
  if (gone.length > 0) {
    sql.write(
      `UPDATE chat_channel SET state = 'disabled', disabled_reason = 'its server says that it is gone', version = version + 1
        WHERE id = ANY ($1::uuid[]) AND state = 'enabled'`,
      [gone],
    );
    hastenChats(sql, gone);
  }
  const errors = new Map(
    outcomes.flatMap(({ channelId, error }) => (error === null ? [] : [[channelId, error] as const])),
  );
  if (errors.size > 0) {
    sql.write(
      `UPDATE chat_channel c SET last_failed_at = now(), last_error = f.error
         FROM unnest($1::uuid[], $2::text[]) AS f (id, error)
        WHERE c.id = f.id AND c.id IN (SELECT id FROM chat_channel WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)`,
      [[...errors.keys()], [...errors.values()]],
    );
  }
  const rows = await sql.query<EndedChat | PendingChat>(
    `WITH outcome AS (
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::float8[], $5::text[], $6::boolean[])
         AS o (id, attempt, state, delay_ms, error, is_try)
     ), locked AS (
       SELECT m.id FROM chat_message m JOIN outcome o ON o.id = m.id AND o.attempt = m.attempt
        WHERE m.state = 'pending' ORDER BY m.id FOR UPDATE OF m
     )
     UPDATE chat_message e
        SET state = o.state, due_at = now() + o.delay_ms * interval '1 millisecond', error = o.error, tries = e.tries + o.is_try::int,
            finished_at = CASE WHEN o.state = 'pending' THEN NULL ELSE now() END
       FROM outcome o JOIN locked l ON l.id = o.id
      WHERE e.id = o.id AND e.attempt = o.attempt
     RETURNING ${chatColumns}`,
    [
      outcomes.map(({ messageId }) => messageId),
      outcomes.map(({ attempt }) => attempt),
      outcomes.map(({ state }) => state),
      outcomes.map(({ delayMs }) => delayMs),
      outcomes.map(({ error }) => error),
      outcomes.map(({ isTry }) => isTry),
    ],
  );
  const personal = (wanted: ChatOutcome['state']) =>
    outcomes
      .filter(({ personId, state }) => personId !== null && state === wanted)
      .map(({ messageId }) => messageId);
  const [posted, failed] = [personal('sent'), personal('failed')];
  if (posted.length > 0) dropStandbyMails(sql, posted);
  if (failed.length > 0) releaseStandbyMails(sql, failed, mailState);
  return rows.filter((row): row is EndedChat => row.state !== 'pending');
};

/** Milliseconds until the next message is due, at most a day; null when none is pending. */
export const nextDueChatMs = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql.query<{ ms: number | null }>(
    `SELECT least(86400000, extract(epoch FROM min(due_at) - now()) * 1000)::float8 AS ms FROM chat_message WHERE state = 'pending'`,
  );
  return row?.ms ?? null;
};
