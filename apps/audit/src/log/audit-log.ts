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
} from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { SecretBox } from '@countersign/secret-box';
import type { LogEntry } from './log-entry';

const saltBytes = 32;

/** Opened keys kept in memory. */
const mostKeys = 1_000;

/** Name of a workspace's log and of the key that signs it (C2SP tlog-checkpoint: they should be the same). */
const originOf = (workspaceId: string): string => `countersign/${workspaceId}`;
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
    const placed = heads.flatMap((head) => {
      const list = byWorkspace.get(head.workspaceId) ?? [];
      const places = list.map((entry, offset) => place(entry, head.frontier.size + BigInt(offset)));
      head.frontier = appendLeaves(
        head.frontier,
        places.map(({ hash }) => hash),
      );
      return places;
    });
    await Promise.all([insertEntries(sql, placed), insertSealed(sql, placed), this.updateHeads(sql, heads)]);
  }

  /** The newest signed checkpoint; of an empty log when nothing has happened yet. */
  async checkpoint(sql: Sql, workspaceId: string): Promise<string> {
    return (await this.readHead(sql, workspaceId)).checkpoint;
  }

  /** The signed-note verifier key of the workspace's log. */
  async verifierKey(sql: Sql, workspaceId: string): Promise<string> {
    const { sealed_seed: sealedSeed } = await this.readHead(sql, workspaceId);
    return verifierKey(originOf(workspaceId), this.keyOf(workspaceId, sealedSeed).publicKey);
  }

  /** Without a lock, so that readers do not queue behind appends; makes the head of a log that has none. */
  private async readHead(
    sql: Sql,
    workspaceId: string,
  ): Promise<{ checkpoint: string; sealed_seed: Buffer }> {
    const read = () =>
      sql.query<{ checkpoint: string; sealed_seed: Buffer }>(
        'SELECT checkpoint, sealed_seed FROM log_head WHERE workspace_id = $1',
        [workspaceId],
      );
    let [head] = await read();
    if (!head) {
      await this.insertHeads(sql, [workspaceId]);
      [head] = await read();
    }
    if (!head) throw new Error('a log without a head');
    return head;
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

const place = (entry: LogEntry, index: bigint): PlacedEntry => {
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
  const hash = leafHash(leafBytes({ id, type, at, requestId, requestVersion, content, sealed: commitments }));
  return { entry, index, hash, sealed };
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
