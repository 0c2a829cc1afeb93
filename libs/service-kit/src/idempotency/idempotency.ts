import { createHash } from 'node:crypto';
import type { Database } from '@countersign/persistence';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import type { SecretBox } from '@countersign/secret-box';
import type { Answer } from '../http/answer';
import type { Call } from '../http/call';
import { Problem } from '../http/problem';

/** A command that another service settles: the answer is known only later. */
export interface PendingAnswer {
  commandId: string;
}

/** Renders the answer to a command that is settled, or to one that has not been within the time it takes an HTTP call. */
export type Settle = (commandId: string) => Promise<Answer>;

/** A key is remembered for this long (product §3). */
const retentionHours = 24;
/** A duplicate waits this long for the first one's answer (product §3). */
const patienceMs = 5_000;
const lookMs = 50;

interface Row {
  body_hash: Buffer;
  command_id: string | null;
  answer: Buffer | null;
}

/**
 * Runs a POST once per Idempotency-Key. The key's row is written in the transaction of the effect: there is
 * never one without the other. What was refused changed nothing and is not remembered: the same key may be used
 * for a corrected call.
 */
export class Idempotency {
  constructor(
    private readonly database: Database,
    private readonly unitOfWork: UnitOfWork,
    private readonly secrets: SecretBox,
  ) {}

  async run(call: Call, work: (tx: Tx) => Promise<Answer | PendingAnswer>, settle?: Settle): Promise<Answer> {
    const key = keyOf(call);
    if (key === null) {
      const result = await this.unitOfWork([call.workspaceId], work);
      return this.finish(result, settle);
    }
    const fingerprint = fingerprintOf(call, key);
    const bodyHash = hash(await call.rawBody());
    const first = await this.unitOfWork([call.workspaceId], async (tx) => {
      // Waits for a duplicate that is in the middle of its transaction: milliseconds, since none stays open during a call.
      const claimed = await tx.query(
        `INSERT INTO idempotency (workspace_id, fingerprint, body_hash) VALUES ($1, $2, $3)
         ON CONFLICT (workspace_id, fingerprint) DO UPDATE
            SET body_hash = excluded.body_hash, command_id = NULL, answer = NULL, created_at = now()
          WHERE idempotency.created_at < now() - interval '${retentionHours} hours'
         RETURNING 1`,
        [call.workspaceId, fingerprint, bodyHash],
      );
      if (claimed.length === 0) return null;
      const result = await work(tx);
      const [commandId, answer] = isPending(result)
        ? [result.commandId, null]
        : [null, this.pack(result, fingerprint)];
      tx.write(
        'UPDATE idempotency SET command_id = $3, answer = $4 WHERE workspace_id = $1 AND fingerprint = $2',
        [call.workspaceId, fingerprint, commandId, answer],
      );
      return result;
    });
    if (first === null) return this.replay(call, fingerprint, bodyHash, settle);
    if (!isPending(first)) return first;
    return this.remember(call, fingerprint, await this.finish(first, settle));
  }

  /**
   * The answer that this very call has had before, or null. For a call that would be refused by now: what it asked for
   * has been done, whatever has changed since.
   */
  async answered(call: Call): Promise<Answer | null> {
    const key = keyOf(call);
    if (key === null) return null;
    const fingerprint = fingerprintOf(call, key);
    const row = await this.find(call, fingerprint);
    if (!row?.answer || !row.body_hash.equals(hash(await call.rawBody()))) return null;
    return replayed(this.unpack(row.answer, fingerprint));
  }

  private finish(result: Answer | PendingAnswer, settle?: Settle): Promise<Answer> | Answer {
    if (!isPending(result)) return result;
    if (!settle) throw new Error('a command without a way to settle it');
    return settle(result.commandId);
  }

  /** Keeps the first rendering of a command's answer, whoever of several callers made it. */
  private async remember(call: Call, fingerprint: Buffer, answer: Answer): Promise<Answer> {
    const [row] = await this.database.transaction([call.workspaceId], (sql) =>
      sql.query<{ answer: Buffer }>(
        `UPDATE idempotency SET answer = coalesce(answer, $3) WHERE workspace_id = $1 AND fingerprint = $2 RETURNING answer`,
        [call.workspaceId, fingerprint, this.pack(answer, fingerprint)],
      ),
    );
    return row ? this.unpack(row.answer, fingerprint) : answer;
  }

  private async replay(call: Call, fingerprint: Buffer, bodyHash: Buffer, settle?: Settle): Promise<Answer> {
    const giveUpAt = Date.now() + patienceMs;
    for (;;) {
      const row = await this.find(call, fingerprint);
      if (row && !row.body_hash.equals(bodyHash)) {
        throw new Problem('idempotency_key_reused', 'This Idempotency-Key was used with another body.');
      }
      if (row?.answer) return replayed(this.unpack(row.answer, fingerprint));
      if (row?.command_id && settle)
        return replayed(await this.remember(call, fingerprint, await settle(row.command_id)));
      if (Date.now() > giveUpAt) {
        throw new Problem(
          'idempotency_in_progress',
          'The first call with this Idempotency-Key is still running.',
          {
            headers: { 'retry-after': '1' },
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  private async find(call: Call, fingerprint: Buffer): Promise<Row | undefined> {
    const [row] = await this.database.read(call.workspaceId, (sql) =>
      sql.query<Row & { [column: string]: unknown }>(
        'SELECT body_hash, command_id, answer FROM idempotency WHERE workspace_id = $1 AND fingerprint = $2',
        [call.workspaceId, fingerprint],
      ),
    );
    return row;
  }

  /** Answers with a secret are encrypted, the others are not worth the time. */
  private pack(answer: Answer, fingerprint: Buffer): Buffer {
    const text = JSON.stringify(answer);
    return answer.secret
      ? Buffer.concat([Buffer.of(1), this.secrets.seal(text, contextOf(fingerprint))])
      : Buffer.concat([Buffer.of(0), Buffer.from(text)]);
  }

  private unpack(packed: Buffer, fingerprint: Buffer): Answer {
    const content = packed.subarray(1);
    const text = packed[0] === 1 ? this.secrets.open(content, contextOf(fingerprint)) : content;
    return JSON.parse(text.toString('utf8')) as Answer;
  }
}

const isPending = (result: Answer | PendingAnswer): result is PendingAnswer => 'commandId' in result;

const replayed = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'idempotency-replayed': 'true' },
});

const hash = (content: Buffer | string): Buffer => createHash('sha256').update(content).digest();

const contextOf = (fingerprint: Buffer): string => `idempotency:${fingerprint.toString('hex')}`;

/** A key belongs to an API key, actor, method and path (product §3). */
const fingerprintOf = (call: Call, key: string): Buffer =>
  hash(
    JSON.stringify([call.identity.key.id, call.actorRef?.toLowerCase() ?? null, call.method, call.path, key]),
  );

/** The Idempotency-Key header, with or without the quotes of a structured field (RFC 8941 §3.3.3). */
const keyOf = (call: Call): string | null => {
  const header = call.header('idempotency-key');
  if (header === undefined) return null;
  const key = /^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim();
  if (key.length < 1 || key.length > 255) {
    throw Problem.invalid([
      { pointer: '/header/idempotency-key', message: 'An Idempotency-Key has 1 to 255 characters.' },
    ]);
  }
  return key;
};
