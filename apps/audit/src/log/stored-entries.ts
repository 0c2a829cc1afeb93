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

const entries = (members: string): string =>
  `SELECT e.index, e.id, e.type, e.at, e.request_id, e.request_version, e.content, e.leaf_hash,
          (SELECT json_agg(json_build_object(${members}) ORDER BY position)
             FROM sealed s WHERE s.workspace_id = e.workspace_id AND s.index = e.index) AS sealed
     FROM entry e WHERE e.workspace_id = $1 AND e.index >= $2 AND e.index < $3 ORDER BY e.index`;

const commitments = `'subject', subject, 'kind', kind, 'commitment', commitment`;
const withCommitments = entries(commitments);
const withData = entries(
  `${commitments}, 'salt', encode(salt, 'base64'), 'data', data, 'hasData', data IS NOT NULL`,
);

/** What the leaves of these entries consist of, in their order; `to` excluded. */
export const readStoredEntries = async (
  sql: Sql,
  workspaceId: string,
  from: bigint,
  to: bigint,
): Promise<StoredEntry[]> =>
  stored(await sql.query(withCommitments, [workspaceId, String(from), String(to)]));

/** What was sealed, too: salt and data are null once they are erased. */
export interface OpenSealed extends StoredSealed {
  salt: string | null;
  data: unknown;
  /** JSON's null is data as well. */
  hasData: boolean;
}

export const readOpenEntries = async (
  sql: Sql,
  workspaceId: string,
  from: bigint,
  to: bigint,
): Promise<StoredEntry<OpenSealed>[]> =>
  stored(await sql.query(withData, [workspaceId, String(from), String(to)]));

const stored = <Sealed>(rows: Row<Sealed>[]): StoredEntry<Sealed>[] =>
  rows.map((row) => ({
    index: BigInt(row.index),
    id: row.id,
    type: row.type,
    at: row.at,
    requestId: row.request_id,
    requestVersion: row.request_version,
    content: row.content,
    leafHash: row.leaf_hash,
    sealed: row.sealed ?? [],
  }));

/** The bytes whose hash is in the tree; throws `TypeError` when the row holds what no leaf can say. */
export const leafOf = ({ id, type, at, requestId, requestVersion, content, sealed }: StoredEntry): Buffer =>
  leafBytes({ id, type, at: at.toISOString(), requestId, requestVersion, content, sealed });
