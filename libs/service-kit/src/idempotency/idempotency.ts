import { createHash } from 'node:crypto';
import { isLockTimeout, type Database, type Sql } from '@countersign/persistence';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import type { SecretBox } from '@countersign/secret-box';
import type { Answer } from '../http/answer';
import type { Call } from '../http/call';
import { Problem } from '../http/problem';
import { openPlainAnswer, packPlainAnswer } from './stored-answer';

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

/** A call with a key, and how long it waits for one that had the key before. */
interface Keyed {
  call: Call;
  fingerprint: Buffer;
  bodyHash: Buffer;
  giveUpAt: number;
}

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
  /** Calls that `inTurn` lets wait before their transactions, by fingerprint. */
  private readonly waiting = new Map<string, Promise<unknown>>();

  constructor(
    private readonly database: Database,
    private readonly unitOfWork: UnitOfWork,
    private readonly secrets: SecretBox,
  ) {}

  /** `settle`: for work that is a command. `alsoSees`: workspaces, beside the call's, that the work writes to. */
  async run(
    call: Call,
    work: (tx: Tx) => Promise<Answer | PendingAnswer>,
    { settle, alsoSees = [] }: { settle?: Settle; alsoSees?: readonly string[] } = {},
  ): Promise<Answer> {
    const workspaces = [call.workspaceId, ...alsoSees];
    const keyed = await this.keyed(call);
    if (keyed === null) {
      const result = await this.unitOfWork(workspaces, work);
      return this.finish(result, settle);
    }
    const { fingerprint } = keyed;
    const first = await this.unitOfWork(workspaces, async (tx) => {
      if (!(await claim(tx, keyed))) return null;
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
    if (first === null) return this.replay(keyed, settle);
    if (!isPending(first)) return first;
    return this.remember(call, fingerprint, await this.finish(first, settle));
  }

  /**
   * For a call that waits for something before it can be `run`: a duplicate does not wait with it, but for it, wherever it is
   * running. Throws Problem idempotency_in_progress. What answers at once must not need a command to be settled.
   */
  async inTurn(call: Call, run: () => Promise<Answer>): Promise<Answer> {
    const keyed = await this.keyed(call);
    if (keyed === null) return run();
    const id = keyed.fingerprint.toString('hex');
    for (let other = this.waiting.get(id); other; other = this.waiting.get(id)) await within(other, keyed);
    const running = this.isFree(keyed).then((isFree) => (isFree ? run() : this.replay(keyed)));
    const ended = running.then(
      () => this.waiting.delete(id),
      () => this.waiting.delete(id),
    );
    this.waiting.set(id, ended);
    return running;
  }

  /** Whether nobody has the key: would it be claimed now, and not only when it is its turn? */
  private async isFree(keyed: Keyed): Promise<boolean> {
    const free = new Error('the key is free');
    try {
      await this.database.transaction([keyed.call.workspaceId], async (sql) => {
        if (await claim(sql, keyed)) throw free;
      });
      return false;
    } catch (error) {
      if (error === free) return true;
      throw error;
    }
  }

  private async keyed(call: Call): Promise<Keyed | null> {
    const key = keyOf(call);
    if (key === null) return null;
    const giveUpAt = Date.now() + patienceMs;
    return { call, fingerprint: fingerprintOf(call, key), bodyHash: hash(await call.rawBody()), giveUpAt };
  }

  /**
   * The answer that this very call has had before, or null. For a call that would be refused by now: what it asked for
   * has been done, whatever has changed since. `settle`: of a command that was written down, and whose caller got no answer.
   */
  async answered(call: Call, settle?: Settle): Promise<Answer | null> {
    const key = keyOf(call);
    if (key === null) return null;
    const fingerprint = fingerprintOf(call, key);
    const row = await this.find(call, fingerprint);
    if (!row?.body_hash.equals(hash(await call.rawBody()))) return null;
    if (row.answer) return replayed(this.unpack(row.answer, fingerprint));
    if (!row.command_id || !settle) return null;
    return replayed(await this.remember(call, fingerprint, await settle(row.command_id)));
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

  private async replay({ call, fingerprint, bodyHash, giveUpAt }: Keyed, settle?: Settle): Promise<Answer> {
    for (;;) {
      const row = await this.find(call, fingerprint);
      if (row && !row.body_hash.equals(bodyHash)) {
        throw new Problem('idempotency_key_reused', 'This Idempotency-Key was used with another body.');
      }
      if (row?.answer) return replayed(this.unpack(row.answer, fingerprint));
      if (row?.command_id && settle)
        return replayed(await this.remember(call, fingerprint, await settle(row.command_id)));
      if (Date.now() > giveUpAt) throw inProgress();
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
    return answer.secret
      ? Buffer.concat([Buffer.of(1), this.secrets.seal(JSON.stringify(answer), contextOf(fingerprint))])
      : packPlainAnswer(answer);
  }

  private unpack(packed: Buffer, fingerprint: Buffer): Answer {
    const answer = openPlainAnswer(packed);
    if (answer) return answer;
    const text = this.secrets.open(packed.subarray(1), contextOf(fingerprint));
    return JSON.parse(text.toString('utf8')) as Answer;
  }
}

const inProgress = (): Problem =>
  new Problem('idempotency_in_progress', 'The first call with this Idempotency-Key is still running.', {
    headers: { 'retry-after': '1' },
  });

/** Waits for a call under way, whatever becomes of it. Throws Problem idempotency_in_progress. */
const within = async (other: Promise<unknown>, { giveUpAt }: Keyed): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(inProgress()), Math.max(0, giveUpAt - Date.now()));
  });
  await Promise.race([other, tooLate]).finally(() => clearTimeout(timer));
};

/**
 * Makes a key this call's, unless it has been somebody's for less than its time. Waits for a duplicate in the middle of its
 * transaction, which is milliseconds for most calls and half a minute for a bulk. Throws Problem idempotency_in_progress.
 *
 * The limit holds for this statement only: it is set before the row is written, and taken back by what is returned of it.
 */
const claim = async (sql: Sql, { call, fingerprint, bodyHash, giveUpAt }: Keyed): Promise<boolean> => {
  const claimed = sql.query(
    `INSERT INTO idempotency (workspace_id, fingerprint, body_hash)
     SELECT $1::uuid, $2::bytea, $3::bytea
       FROM (SELECT set_config('lock_timeout', $4::text, true) OFFSET 0) AS limited (ms) WHERE ms IS NOT NULL
     ON CONFLICT (workspace_id, fingerprint) DO UPDATE
        SET body_hash = excluded.body_hash, command_id = NULL, answer = NULL, created_at = now()
      WHERE idempotency.created_at < now() - interval '${retentionHours} hours'
     RETURNING set_config('lock_timeout', '0', true)`,
    // 0 would be no limit.
    [call.workspaceId, fingerprint, bodyHash, String(Math.max(1, giveUpAt - Date.now()))],
  );
  const rows = await claimed.catch((error: unknown) => {
    throw isLockTimeout(error) ? inProgress() : error;
  });
  return rows.length > 0;
};

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
