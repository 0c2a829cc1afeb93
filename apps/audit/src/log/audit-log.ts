import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  appendLeaves,
  checkpointBody,
  commitment,
  emptyFrontier,
  leafBytes,
  leafHash,
  newSigningSeed,
  parseFrontier,
  rootOf,
  serializeFrontier,
  signingKeyFromSeed,
  signNote,
  verifierKey,
  type Frontier,
  type SigningKey,
  type TileHash,
} from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { SecretBox } from '@countersign/secret-box';
import { cosignaturesOf } from '../witnesses/witness.rows';
import type { LogEntry } from './log-entry';
import { isTooLong, splitEntry } from './split-entry';
import { readHead, type StoredHead } from './stored-head';

const saltBytes = 32;

/** Opened keys kept in memory. */
const mostKeys = 1_000;

/** Name of a workspace's log and of the key that signs it (C2SP tlog-checkpoint: they should be the same). */
export const originOf = (workspaceId: string): string => `countersign/${workspaceId}`;
const contextOf = (workspaceId: string): string => `log:${workspaceId}`;

interface Head {
  workspaceId: string;
  frontier: Frontier;
  key: SigningKey;
}

/** An entry with everything that its place in the log gave it. */
interface PlacedEntry {
  entry: LogEntry;
  index: bigint;
  hash: Buffer;
  sealed: {
    subject: string;
    kind: string;
    salt: Buffer;
    data: unknown;
    commitment: string;
    isErased?: boolean;
  }[];
}

/** A hash of a tile that an append has completed. */
interface CompletedHash extends TileHash {
  workspaceId: string;
}

/**
 * The transparency log of each workspace (RFC 6962). Entries, index, tree and signed checkpoint change together, in the
 * caller's transaction, under the lock of the workspace's head row.
 */
@Injectable()
export class AuditLog {
  private readonly keys = new Map<string, SigningKey>();

  constructor(private readonly secrets: SecretBox) {}

  /** Appends in the order given; heads are locked in the order of their workspaces. */
  async append(sql: Sql, entries: readonly LogEntry[]): Promise<void> {
    const byWorkspace = new Map<string, LogEntry[]>();
    for (const entry of entries)
      byWorkspace.set(entry.workspaceId, [...(byWorkspace.get(entry.workspaceId) ?? []), entry]);
    const heads = await this.lockHeads(sql, [...byWorkspace.keys()]);
    if (heads.length !== byWorkspace.size) throw new Error('a log without a head');
    const completed: CompletedHash[] = [];
    const placed = heads.flatMap((head) => {
      const places = placeAll(byWorkspace.get(head.workspaceId) ?? [], head.frontier.size);
      head.frontier = appendLeaves(
        head.frontier,
        places.map(({ hash }) => hash),
        (hash) => completed.push({ ...hash, workspaceId: head.workspaceId }),
      );
      return places;
    });
    await Promise.all([
      insertEntries(sql, placed),
      insertSealed(sql, placed),
      insertCompleted(sql, completed),
      this.updateHeads(sql, heads),
    ]);
  }

  /** The head of a workspace's log; makes that of a log that has none, so the transaction must be able to write. */
  async head(sql: Sql, workspaceId: string): Promise<StoredHead> {
    const head = await readHead(sql, workspaceId);
    if (head) return head;
    await this.insertHeads(sql, [workspaceId]);
    const made = await readHead(sql, workspaceId);
    if (!made) throw new Error('a log without a head');
    return made;
  }

  /** The newest signed checkpoint, with the cosignatures that there are of it. */
  async checkpoint(sql: Sql, workspaceId: string): Promise<string> {
    const { checkpoint, frontier } = await this.head(sql, workspaceId);
    return this.cosigned(sql, workspaceId, checkpoint, frontier.size);
  }

  /** A checkpoint of a size with the lines of its witnesses below. */
  async cosigned(sql: Sql, workspaceId: string, checkpoint: string, size: bigint): Promise<string> {
    return checkpoint + (await cosignaturesOf(sql, workspaceId, size));
  }

  /** The signed-note verifier key of the workspace's log. */
  verifierKey(workspaceId: string, { sealedSeed }: Pick<StoredHead, 'sealedSeed'>): string {
    return verifierKey(originOf(workspaceId), this.keyOf(workspaceId, sealedSeed).publicKey);
  }

  private async lockHeads(sql: Sql, workspaceIds: readonly string[]): Promise<Head[]> {
    const wanted = [...workspaceIds].sort();
    let heads = await this.selectHeads(sql, wanted);
    if (heads.length < wanted.length) {
      const known = new Set(heads.map(({ workspaceId }) => workspaceId));
      await this.insertHeads(
        sql,
        wanted.filter((id) => !known.has(id)),
      );
      heads = await this.selectHeads(sql, wanted);
    }
    return heads;
  }

  private async selectHeads(sql: Sql, workspaceIds: readonly string[]): Promise<Head[]> {
    const rows = await sql.query<{ workspace_id: string; frontier: Buffer; sealed_seed: Buffer }>(
      'SELECT workspace_id, frontier, sealed_seed FROM log_head WHERE workspace_id = ANY ($1::uuid[]) ORDER BY workspace_id FOR UPDATE',
      [workspaceIds],
    );
    return rows.map((row) => ({
      workspaceId: row.workspace_id,
      frontier: parseFrontier(row.frontier),
      key: this.keyOf(row.workspace_id, row.sealed_seed),
    }));
  }

  private async insertHeads(sql: Sql, workspaceIds: readonly string[]): Promise<void> {
    const frontier = emptyFrontier();
    for (const workspaceId of workspaceIds) {
      const seed = newSigningSeed();
      const checkpoint = checkpointOf({ workspaceId, frontier, key: signingKeyFromSeed(seed) });
      await sql.query(
        `INSERT INTO log_head (workspace_id, frontier, sealed_seed, checkpoint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [
          workspaceId,
          serializeFrontier(frontier),
          this.secrets.seal(seed, contextOf(workspaceId)),
          checkpoint,
        ],
      );
    }
  }

  private async updateHeads(sql: Sql, heads: readonly Head[]): Promise<void> {
    await sql.query(
      `UPDATE log_head h SET frontier = n.frontier, checkpoint = n.checkpoint
         FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS n (workspace_id, frontier, checkpoint)
        WHERE h.workspace_id = n.workspace_id`,
      [
        heads.map(({ workspaceId }) => workspaceId),
        heads.map(({ frontier }) => serializeFrontier(frontier)),
        heads.map(checkpointOf),
      ],
    );
  }

  /** Known by the sealed seed itself: a seed whose transaction was rolled back must not be taken for the stored one. */
  private keyOf(workspaceId: string, sealedSeed: Buffer): SigningKey {
    const name = sealedSeed.toString('base64');
    let key = this.keys.get(name);
    if (!key) {
      key = signingKeyFromSeed(this.secrets.open(sealedSeed, contextOf(workspaceId)));
      if (this.keys.size >= mostKeys) this.keys.clear();
      this.keys.set(name, key);
    }
    return key;
  }
}

const checkpointOf = ({ workspaceId, frontier, key }: Head): string => {
  const origin = originOf(workspaceId);
  return signNote(checkpointBody(origin, frontier.size, rootOf(frontier)), origin, key.privateKey);
};

/** In the order given, from an index on; what is too long for a leaf takes several places. */
const placeAll = (entries: readonly LogEntry[], from: bigint): PlacedEntry[] => {
  const placed: PlacedEntry[] = [];
  const next = () => from + BigInt(placed.length);
  for (const entry of entries.map(asStored)) {
    const whole = place(entry, next());
    if (whole) placed.push(whole);
    else for (const part of splitEntry(entry)) placed.push(placePart(part, next()));
  }
  return placed;
};

/** As the database gives ids and times back: a leaf made anew from its rows must have the same bytes. */
const asStored = (entry: LogEntry): LogEntry => ({
  ...entry,
  id: entry.id.toLowerCase(),
  at: new Date(entry.at).toISOString(),
  requestId: entry.requestId && entry.requestId.toLowerCase(),
  personal: entry.personal.map((item) => ({ ...item, subject: item.subject.toLowerCase() })),
});

const placePart = (entry: LogEntry, index: bigint): PlacedEntry => {
  const placed = place(entry, index);
  if (!placed) throw new Error(`a part of ${entry.id} is too long for a leaf`);
  return placed;
};

/** Null when the leaf would be too long. */
const place = (entry: LogEntry, index: bigint): PlacedEntry | null => {
  const sealed = entry.personal.map(({ subject, kind, data, isErased }) => {
    const salt = randomBytes(saltBytes);
    return { subject, kind, salt, data, commitment: commitment(salt, data), isErased };
  });
  const { id, type, at, requestId, requestVersion, content } = entry;
  const commitments = sealed.map(({ subject, kind, commitment: value }) => ({
    subject,
    kind,
    commitment: value,
  }));
  const leaf = leafBytes({ id, type, at, requestId, requestVersion, content, sealed: commitments });
  return isTooLong(leaf) ? null : { entry, index, hash: leafHash(leaf), sealed };
};

const insertEntries = async (sql: Sql, placed: readonly PlacedEntry[]): Promise<void> => {
  await sql.query(
    `INSERT INTO entry (workspace_id, index, id, type, at, actor_id, request_id, request_version, task_id, workflow_key, content, leaf_hash)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::uuid[], $8::int[],
                          $9::uuid[], $10::text[], $11::json[], $12::bytea[])`,
    [
      placed.map(({ entry }) => entry.workspaceId),
      placed.map(({ index }) => index.toString()),
      placed.map(({ entry }) => entry.id),
      placed.map(({ entry }) => entry.type),
      placed.map(({ entry }) => entry.at),
      placed.map(({ entry }) => entry.actor.id),
      placed.map(({ entry }) => entry.requestId),
      placed.map(({ entry }) => entry.requestVersion),
      placed.map(({ entry }) => entry.taskId),
      placed.map(({ entry }) => entry.workflowKey),
      placed.map(({ entry }) => JSON.stringify(entry.content)),
      placed.map(({ hash }) => hash),
    ],
  );
};

const insertSealed = async (sql: Sql, placed: readonly PlacedEntry[]): Promise<void> => {
  const rows = placed.flatMap(({ entry, index, sealed }) =>
    sealed.map((item, position) => ({ ...item, entry, index, position })),
  );
  if (rows.length === 0) return;
  await sql.query(
    `INSERT INTO sealed (workspace_id, index, position, subject, kind, commitment, salt, data)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::json[])`,
    [
      rows.map(({ entry }) => entry.workspaceId),
      rows.map(({ index }) => index.toString()),
      rows.map(({ position }) => position),
      rows.map(({ subject }) => subject),
      rows.map(({ kind }) => kind),
      rows.map((row) => row.commitment),
      rows.map(({ salt, isErased }) => (isErased ? null : salt)),
      rows.map(({ data, isErased }) => (isErased ? null : JSON.stringify(data))),
    ],
  );
};

const insertCompleted = async (sql: Sql, completed: readonly CompletedHash[]): Promise<void> => {
  if (completed.length === 0) return;
  await sql.query(
    `INSERT INTO subtree (workspace_id, level, index, hash)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bytea[])`,
    [
      completed.map(({ workspaceId }) => workspaceId),
      completed.map(({ level }) => level),
      completed.map(({ index }) => index.toString()),
      completed.map(({ hash }) => hash),
    ],
  );
};
