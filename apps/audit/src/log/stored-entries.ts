import { leafBytes } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';

export interface StoredSealed {
  subject: string;
  kind: string;
  commitment: string;
}

/** An entry as it is in its rows, for whoever makes its leaf anew. */
export interface StoredEntry<Sealed = StoredSealed> {
  index: bigint;
  id: string;
  type: string;
  at: Date;
  requestId: string | null;
  requestVersion: number | null;
  content: unknown;
  leafHash: Buffer;
  sealed: Sealed[];
}

interface Row<Sealed> {
  index: string;
  id: string;
  type: string;
  at: Date;
  request_id: string | null;
  request_version: number | null;
  content: unknown;
  leaf_hash: Buffer;
  sealed: Sealed[] | null;
  [column: string]: unknown;
}

const entries = (columns: string, members: string): string =>
  `SELECT e.index, e.id, e.type, e.at, e.request_id, e.request_version, e.leaf_hash, ${columns},
          (SELECT json_agg(json_build_object(${members}) ORDER BY position)
             FROM sealed s WHERE s.workspace_id = e.workspace_id AND s.index = e.index) AS sealed
     FROM entry e WHERE e.workspace_id = $1 AND e.index >= $2 AND e.index < $3 ORDER BY e.index`;

const commitments = `'subject', subject, 'kind', kind, 'commitment', commitment`;
const withCommitments = entries('e.content', commitments);
const asWritten = entries(
  'e.content::text AS content, e.actor_id, e.task_id, e.workflow_key',
  `${commitments}, 'position', position, 'salt', encode(salt, 'base64'), 'text', data::text`,
);

/** What the leaves of these entries consist of, in their order; `to` excluded. */
export const readStoredEntries = async (
  sql: Sql,
  workspaceId: string,
  from: bigint,
  to: bigint,
): Promise<StoredEntry[]> =>
  (await sql.query<Row<StoredSealed>>(withCommitments, [workspaceId, String(from), String(to)])).map(stored);

/** A text of JSON and what it says. */
interface WrittenJson {
  value: unknown;
  /** False when it is not the text that we write of this value: with a member twice, every reader would see another. */
  isOurs: boolean;
}

/** What was sealed, too: salt and data are null once they are erased. */
export interface OpenSealed extends StoredSealed {
  position: number;
  salt: string | null;
  /** JSON's null is data as well. */
  data: WrittenJson | null;
}

/** An entry with all that is in its row, for whoever checks it. */
export interface OpenEntry extends StoredEntry<OpenSealed> {
  actorId: string | null;
  taskId: string | null;
  workflowKey: string | null;
  /** Whether the text of `content` is the one that we write of it. */
  isOurs: boolean;
}

export const readOpenEntries = async (
  sql: Sql,
  workspaceId: string,
  from: bigint,
  to: bigint,
): Promise<OpenEntry[]> => {
  const rows = await sql.query<OpenRow>(asWritten, [workspaceId, String(from), String(to)]);
  return rows.map((row) => {
    const content = readJson(row.content);
    const sealed = (row.sealed ?? []).map(({ text, ...item }) => ({
      ...item,
      data: text === null ? null : readJson(text),
    }));
    return {
      ...stored({ ...row, content: content.value, sealed }),
      actorId: row.actor_id,
      taskId: row.task_id,
      workflowKey: row.workflow_key,
      isOurs: content.isOurs,
    };
  });
};

interface OpenRow extends Row<Omit<OpenSealed, 'data'> & { text: string | null }> {
  content: string;
  actor_id: string | null;
  task_id: string | null;
  workflow_key: string | null;
}

const readJson = (text: string): WrittenJson => {
  const value: unknown = JSON.parse(text);
  return { value, isOurs: JSON.stringify(value) === text };
};

const stored = <Sealed>(row: Row<Sealed>): StoredEntry<Sealed> => ({
  index: BigInt(row.index),
  id: row.id,
  type: row.type,
  at: row.at,
  requestId: row.request_id,
  requestVersion: row.request_version,
  content: row.content,
  leafHash: row.leaf_hash,
  sealed: row.sealed ?? [],
});

/** The bytes whose hash is in the tree; throws `TypeError` when the row holds what no leaf can say. */
export const leafOf = ({ id, type, at, requestId, requestVersion, content, sealed }: StoredEntry): Buffer =>
  leafBytes({ id, type, at: at.toISOString(), requestId, requestVersion, content, sealed });
