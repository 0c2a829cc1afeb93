import type { Cause, Tx } from '@countersign/messaging';
import type { FailureReason, RefusalReason } from '@countersign/outbound-http';
import type { Database, Sql } from '@countersign/persistence';
import type { ResolverFormat, WebhookSource } from '../resolution/approver-source';
import { targetKey, type ResolutionQuestion, type ResolverAnswers } from '../resolution/resolution-question';
import type { AskedBodies, ResolverBodies } from './resolver-bodies';

/** A webhook to ask for approvers. */
export type CallTarget = Omit<WebhookSource, 'kind'>;

/**
 * How one call of one attempt ended.
 * - `no room`: too many calls were in flight; it is made later
 * - `circuit_open`: the host is left alone for now; it is made later
 * - `circuit_still_open`: the host was waited for long enough; the attempt has failed without a call
 * - `kept`: nobody was called, because an earlier answer still holds
 */
export type CallResult =
  'answered' | FailureReason | RefusalReason | 'no_room' | 'circuit_open' | 'circuit_still_open' | 'kept';

/** What was asked of whom, and what came of it, for the evidence. */
export interface CallRecord {
  url: string;
  format: ResolverFormat;
  attempt: number;
  at: string;
  status: number | null;
  latencyMs: number | null;
  result: CallResult;
  /** SHA-256 (hex) of the body that was sent; of a kept answer, of the one that it was given to. Null: none was sent. */
  requestHash: string | null;
  /** SHA-256 (hex) of the body of the answer; null when there was none, or more than is read. */
  answerHash: string | null;
  /** What an answer that counts names: at most 1,000, each cut after 256 characters. */
  refs?: string[];
  /** Of a kept answer: when it was asked for. */
  keptFrom?: string;
}

/** The calls of one resolution, leased for one attempt. */
export interface LeasedCall {
  workspaceId: string;
  resolutionId: string;
  attempt: number;
  targets: CallTarget[];
  bodies: ResolverBodies;
  /** Tells the question from others; null when no answer to it may be kept. */
  questionHash: string | null;
  /** Of webhooks that have answered in earlier attempts. */
  answers: ResolverAnswers;
  evidence: CallRecord[];
  cause: Cause;
}

interface CallRow {
  [column: string]: unknown;
  workspace_id: string;
  resolution_id: string;
  attempt: number;
  targets: CallTarget[];
  bodies: ResolverBodies;
  question_hash: string | null;
  answers: ResolverAnswers;
  evidence: CallRecord[];
  cause: Cause;
}

const leasedOf = (row: CallRow): LeasedCall => ({
  workspaceId: row.workspace_id,
  resolutionId: row.resolution_id,
  attempt: row.attempt,
  targets: row.targets,
  bodies: row.bodies,
  questionHash: row.question_hash,
  answers: row.answers,
  evidence: row.evidence,
  cause: row.cause,
});

/** The webhooks that have still to answer. */
export const openTargets = ({ targets, answers }: LeasedCall): CallTarget[] =>
  targets.filter((target) => !Object.hasOwn(answers, targetKey(target)));

/** Waiting for room among the calls in flight may take this long, and keeping the result this long. */
export const patienceMs = 5_000;
const marginMs = 5_000;

const targetsOf = (question: ResolutionQuestion): CallTarget[] => {
  const webhooks = question.sources.flatMap((source) =>
    source.kind === 'webhook'
      ? [{ url: source.url, format: source.format, timeoutMs: source.timeoutMs }]
      : [],
  );
  return [...new Map(webhooks.map((target) => [targetKey(target), target])).values()];
};

/** Plans the first attempt of each: the row, and the message that sets it going. */
export const announceCalls = async (
  tx: Tx,
  calls: readonly ({ question: ResolutionQuestion; cause: Cause } & AskedBodies)[],
): Promise<void> => {
  if (calls.length === 0) return;
  const targets = calls.map(({ question }) => targetsOf(question));
  await tx.query(
    `INSERT INTO resolver_call (workspace_id, resolution_id, attempt, state, targets, longest_timeout_ms, bodies, question_hash,
                                answers, evidence, cause)
     SELECT w, r, 1, 'announced', t, m, b, q, '{}', '[]', c
       FROM unnest($1::uuid[], $2::uuid[], $3::json[], $4::int[], $5::json[], $6::text[], $7::json[])
         AS n (w, r, t, m, b, q, c)`,
    [
      calls.map(({ question }) => question.workspaceId),
      calls.map(({ question }) => question.resolutionId),
      targets.map((list) => JSON.stringify(list)),
      targets.map((list) => Math.max(...list.map(({ timeoutMs }) => timeoutMs))),
      calls.map(({ bodies }) => JSON.stringify(bodies)),
      calls.map(({ questionHash }) => questionHash),
      calls.map(({ cause }) => JSON.stringify(cause)),
    ],
  );
  for (const { question, cause } of calls) {
    const { workspaceId, resolutionId } = question;
    tx.publish({ type: 'approvers.call.v1', workspaceId, cause, data: { resolutionId, attempt: 1 } });
  }
};

/**
 * Takes announced calls for the attempts that the messages name. What is not announced, or for another attempt, is
 * somebody else's or done. The lease outlasts the wait for room and the longest timeout of the row.
 */
export const leaseCalls = async (
  tx: Tx,
  wanted: readonly { workspaceId: string; resolutionId: string; attempt: number }[],
): Promise<LeasedCall[]> => {
  const rows = await tx.query<CallRow>(
    `WITH taken AS (
       SELECT c.resolution_id
         FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS w (workspace_id, resolution_id, attempt)
         JOIN resolver_call c ON c.resolution_id = w.resolution_id AND c.attempt = w.attempt AND c.state = 'announced'
          AND (c.workspace_id = w.workspace_id) IS TRUE
        ORDER BY c.resolution_id FOR UPDATE OF c
     )
     UPDATE resolver_call c
        SET state = 'calling',
            due_at = now() + make_interval(secs => (c.longest_timeout_ms + ${patienceMs + marginMs}) / 1000.0)
       FROM taken WHERE c.resolution_id = taken.resolution_id
     RETURNING c.*`,
    [
      wanted.map(({ workspaceId }) => workspaceId),
      wanted.map(({ resolutionId }) => resolutionId),
      wanted.map(({ attempt }) => attempt),
    ],
  );
  return rows.map(leasedOf);
};

/** Whether the attempt is still the one that counts; its row stays locked. */
export const isCurrent = async (tx: Tx, { resolutionId, attempt }: LeasedCall): Promise<boolean> => {
  const rows = await tx.query(
    `SELECT 1 FROM resolver_call
      WHERE resolution_id = $1 AND attempt = $2 AND state = 'calling' FOR UPDATE`,
    [resolutionId, attempt],
  );
  return rows.length > 0;
};

/** Lets a leased call wait for its next attempt. `counts`: false when this one did not really take place. */
export const postponeCall = async (
  tx: Tx,
  { resolutionId, attempt, answers, evidence }: LeasedCall,
  { delayMs, counts }: { delayMs: number; counts: boolean },
): Promise<void> => {
  await tx.query(
    `UPDATE resolver_call
        SET state = 'waiting', attempt = $2, answers = $3, evidence = $4, due_at = now() + make_interval(secs => $5::float8 / 1000)
      WHERE resolution_id = $1`,
    [
      resolutionId,
      counts ? attempt : attempt - 1,
      JSON.stringify(answers),
      JSON.stringify(evidence),
      delayMs,
    ],
  );
};

export const forgetCall = async (tx: Tx, { resolutionId }: LeasedCall): Promise<void> => {
  await tx.query('DELETE FROM resolver_call WHERE resolution_id = $1', [resolutionId]);
};

/** A call whose next attempt is due, or whose lease has run out. */
export interface DueCall {
  workspaceId: string;
  resolutionId: string;
  attempt: number;
}

/** Should the process die between claiming and announcing, others find the call this long after. */
const claimSeconds = 15;

/** Claims due calls of all workspaces, each for one sweeper. */
export const claimDueCalls = async (sweeper: Database, limit: number): Promise<DueCall[]> =>
  sweeper.everywhere((sql: Sql) =>
    sql.query<DueCall & Record<string, unknown>>(
      `WITH due AS (
         SELECT resolution_id FROM resolver_call
          WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
       )
       UPDATE resolver_call c SET due_at = now() + make_interval(secs => ${claimSeconds})
         FROM due WHERE c.resolution_id = due.resolution_id
       RETURNING c.workspace_id AS "workspaceId", c.resolution_id AS "resolutionId", c.attempt`,
      [limit],
    ),
  );

/** Announces the next attempt of claimed calls, unless something has happened to them since. */
export const announceNext = async (tx: Tx, due: readonly DueCall[]): Promise<void> => {
  const rows = await tx.query<CallRow>(
    `WITH claimed AS (
       SELECT c.resolution_id
         FROM unnest($1::uuid[], $2::int[]) AS d (resolution_id, attempt)
         JOIN resolver_call c ON c.resolution_id = d.resolution_id AND c.attempt = d.attempt AND c.state <> 'announced'
        ORDER BY c.resolution_id FOR UPDATE OF c
     )
     UPDATE resolver_call c SET state = 'announced', attempt = c.attempt + 1, due_at = NULL
       FROM claimed WHERE c.resolution_id = claimed.resolution_id
     RETURNING c.workspace_id, c.resolution_id, c.attempt, c.cause`,
    [due.map((call) => call.resolutionId), due.map((call) => call.attempt)],
  );
  for (const { workspace_id: workspaceId, resolution_id: resolutionId, attempt, cause } of rows) {
    tx.publish({ type: 'approvers.call.v1', workspaceId, cause, data: { resolutionId, attempt } });
  }
};
