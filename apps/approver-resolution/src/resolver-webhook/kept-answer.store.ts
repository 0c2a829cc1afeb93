import { createHash } from 'node:crypto';
import type { Tx } from '@countersign/messaging';
import { targetKey } from '../resolution/resolution-question';
import { shownRefs } from './call-evidence';
import type { CallRecord, CallTarget, LeasedCall } from './resolver-call.store';

/** However long a webhook says that its answer holds. */
const longestMs = 24 * 60 * 60 * 1_000;
/** What is larger, as JSON, is asked for anew each time: 1,000 UUIDs take 39,000. */
const mostBytes = 64 * 1024;

/** An answer that its webhook lets us keep. */
export interface AnswerToKeep {
  call: LeasedCall;
  target: CallTarget;
  refs: string[];
  ttlMs: number;
  record: CallRecord;
}

/** The same for the same question to the same webhook of the same workspace only; nothing can be read from it. */
const keyOf = ({ workspaceId, questionHash }: LeasedCall, target: CallTarget): Buffer | null =>
  questionHash === null || target.format !== 'countersign'
    ? null
    : createHash('sha256')
        .update(`${workspaceId} ${questionHash} ${targetKey(target)}`)
        .digest();

/** Keeps answers until their time is over. A newer answer to the same question replaces an older one. */
export const keepAnswers = (tx: Tx, answers: readonly AnswerToKeep[]): void => {
  const rows = answers.flatMap(({ call, target, refs, ttlMs, record }) => {
    const key = keyOf(call, target);
    const text = JSON.stringify(refs);
    const { requestHash, answerHash } = record;
    if (key === null || requestHash === null || answerHash === null) return [];
    if (ttlMs === 0 || Buffer.byteLength(text) > mostBytes) return [];
    return [{ workspaceId: call.workspaceId, key, text, at: record.at, requestHash, answerHash, ttlMs }];
  });
  if (rows.length === 0) return;
  tx.write(
    `INSERT INTO resolver_answer (workspace_id, key, refs, asked_at, request_hash, answer_hash, expires_at)
     SELECT w, k, r, a, q, h, now() + make_interval(secs => t / 1000)
       FROM unnest($1::uuid[], $2::bytea[], $3::json[], $4::timestamptz[], $5::text[], $6::text[], $7::float8[])
         AS n (w, k, r, a, q, h, t) ORDER BY k
     ON CONFLICT (key) DO UPDATE
        SET (refs, asked_at, request_hash, answer_hash, expires_at) =
            (excluded.refs, excluded.asked_at, excluded.request_hash, excluded.answer_hash, excluded.expires_at)`,
    [
      rows.map(({ workspaceId }) => workspaceId),
      rows.map(({ key }) => key),
      rows.map(({ text }) => text),
      rows.map(({ at }) => at),
      rows.map(({ requestHash }) => requestHash),
      rows.map(({ answerHash }) => answerHash),
      rows.map(({ ttlMs }) => Math.min(ttlMs, longestMs)),
    ],
  );
};

interface KeptRow {
  [column: string]: unknown;
  key: Buffer;
  refs: string[];
  asked_at: Date;
  request_hash: string;
  answer_hash: string;
}

/** The calls with what is already known to answer them: one statement for all, none when nothing could be kept. */
export const withKeptAnswers = async (tx: Tx, calls: readonly LeasedCall[]): Promise<LeasedCall[]> => {
  const keys = calls.flatMap((call) => call.targets.map((target) => keyOf(call, target)));
  const wanted = keys.filter((key) => key !== null);
  if (wanted.length === 0) return [...calls];
  const rows = await tx.query<KeptRow>(
    `SELECT key, refs, asked_at, request_hash, answer_hash FROM resolver_answer
      WHERE key = ANY ($1::bytea[]) AND expires_at > now()`,
    [wanted],
  );
  const kept = new Map(rows.map((row) => [row.key.toString('hex'), row]));
  return calls.map((call) => withKept(call, (key) => kept.get(key.toString('hex'))));
};

const withKept = (call: LeasedCall, keptBy: (key: Buffer) => KeptRow | undefined): LeasedCall => {
  const [answers, evidence] = [{ ...call.answers }, [...call.evidence]];
  for (const target of call.targets) {
    const key = keyOf(call, target);
    const row = key && !Object.hasOwn(answers, targetKey(target)) ? keptBy(key) : undefined;
    if (!row) continue;
    answers[targetKey(target)] = { refs: row.refs };
    evidence.push({
      url: target.url,
      format: target.format,
      attempt: call.attempt,
      at: new Date().toISOString(),
      status: null,
      latencyMs: null,
      result: 'kept',
      requestHash: row.request_hash,
      answerHash: row.answer_hash,
      refs: shownRefs(row.refs),
      keptFrom: row.asked_at.toISOString(),
    });
  }
  return { ...call, answers, evidence };
};

/** Deletes answers whose time is over, some at a time; for `runService`'s `forget`. */
export const forgetKeptAnswers = `DELETE FROM resolver_answer WHERE expires_at <= now() AND key IN (
  SELECT key FROM resolver_answer WHERE expires_at <= now() ORDER BY expires_at LIMIT 5000)`;
