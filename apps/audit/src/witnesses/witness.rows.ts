import type { Sql } from '@countersign/persistence';

/** Somebody else whose key confirms checkpoints. */
export interface Witness extends Record<string, unknown> {
  id: string;
  name: string;
  verifierKey: string;
  createdAt: Date;
}

const columns = 'id, name, verifier_key AS "verifierKey", created_at AS "createdAt"';

export const insertWitness = (
  sql: Sql,
  workspaceId: string,
  { id, name, verifierKey }: Pick<Witness, 'id' | 'name' | 'verifierKey'>,
): Promise<Witness[]> =>
  sql.query<Witness>(
    `INSERT INTO witness (workspace_id, id, name, verifier_key) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [workspaceId, id, name, verifierKey],
  );

/** Newest first, before an id; one row more than the page. */
export const listWitnesses = (
  sql: Sql,
  workspaceId: string,
  before: string | null,
  limit: number,
): Promise<Witness[]> =>
  sql.query<Witness>(
    `SELECT ${columns} FROM witness WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [workspaceId, before, limit + 1],
  );

/** None of them is removed before the transaction ends. */
export const holdWitnesses = (sql: Sql, workspaceId: string): Promise<Witness[]> =>
  sql.query<Witness>(`SELECT ${columns} FROM witness WHERE workspace_id = $1 ORDER BY id FOR KEY SHARE`, [
    workspaceId,
  ]);

/** With all that it has cosigned. */
export const deleteWitness = async (sql: Sql, workspaceId: string, id: string): Promise<Witness[]> => {
  // Nobody may hand in more of its cosignatures meanwhile: each is counted.
  await sql.query('SELECT 1 FROM witness WHERE workspace_id = $1 AND id = $2 FOR UPDATE', [workspaceId, id]);
  await sql.query(
    `WITH gone AS (DELETE FROM cosignature WHERE workspace_id = $1 AND witness_id = $2 RETURNING size)
     UPDATE cosigned_checkpoint k SET witnesses = k.witnesses - 1
       FROM gone WHERE k.workspace_id = $1 AND k.size = gone.size`,
    [workspaceId, id],
  );
  return sql.query<Witness>(`DELETE FROM witness WHERE workspace_id = $1 AND id = $2 RETURNING ${columns}`, [
    workspaceId,
    id,
  ]);
};

/** A checkpoint of the log with what a witness has signed below it. */
export interface StoredCosignature {
  witnessId: string;
  /** Seconds since 1970. */
  timestamp: bigint;
  line: string;
}

/** Of one witness and one size the newest is kept: it says for longer that there was nothing newer. */
export const storeCosignatures = async (
  sql: Sql,
  workspaceId: string,
  { size, root, checkpoint }: { size: bigint; root: Buffer; checkpoint: string },
  cosignatures: readonly StoredCosignature[],
): Promise<void> => {
  await sql.query(
    `INSERT INTO cosigned_checkpoint (workspace_id, size, root, checkpoint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [workspaceId, String(size), root, checkpoint],
  );
  // Whoever hands in another one for this size waits: each is counted.
  await sql.query(
    'SELECT 1 FROM cosigned_checkpoint WHERE workspace_id = $1 AND size = $2 FOR NO KEY UPDATE',
    [workspaceId, String(size)],
  );
  await sql.query(
    `INSERT INTO cosignature (workspace_id, size, witness_id, signed_at, line)
     SELECT $1, $2, * FROM unnest($3::uuid[], $4::bigint[], $5::text[])
     ON CONFLICT (workspace_id, size, witness_id) DO UPDATE SET signed_at = excluded.signed_at, line = excluded.line
      WHERE cosignature.signed_at < excluded.signed_at`,
    [
      workspaceId,
      String(size),
      cosignatures.map(({ witnessId }) => witnessId),
      cosignatures.map(({ timestamp }) => String(timestamp)),
      cosignatures.map(({ line }) => line),
    ],
  );
  await sql.query(
    `UPDATE cosigned_checkpoint k SET witnesses = c.count
       FROM (SELECT count(*) FROM cosignature WHERE workspace_id = $1 AND size = $2) c
      WHERE k.workspace_id = $1 AND k.size = $2 AND k.witnesses <> c.count`,
    [workspaceId, String(size)],
  );
};

/** The lines that stand below the checkpoint of a size, in the order of the witnesses' names. */
export const cosignaturesOf = async (sql: Sql, workspaceId: string, size: bigint): Promise<string> => {
  const [row] = await sql.query<{ lines: string | null }>(
    `SELECT string_agg(c.line, '' ORDER BY w.name, w.id) AS lines
       FROM cosignature c JOIN witness w ON w.workspace_id = c.workspace_id AND w.id = c.witness_id
      WHERE c.workspace_id = $1 AND c.size = $2`,
    [workspaceId, String(size)],
  );
  return row?.lines ?? '';
};

/**
 * The size of the newest checkpoint that at least so many witnesses have signed; null when there is none. Reads one row for each number of
 * witnesses that there can be, however many checkpoints have been signed by fewer.
 */
export const newestSignedBy = async (
  sql: Sql,
  workspaceId: string,
  witnesses: number,
): Promise<bigint | null> => {
  const [row] = await sql.query<{ size: string | null }>(
    `SELECT max(k.size) AS size
       FROM generate_series($2::int, (SELECT count(*)::int FROM witness WHERE workspace_id = $1)) AS n
      CROSS JOIN LATERAL (
        SELECT size FROM cosigned_checkpoint WHERE workspace_id = $1 AND witnesses = n
         ORDER BY workspace_id DESC, witnesses DESC, size DESC LIMIT 1) k`,
    [workspaceId, witnesses],
  );
  return row?.size == null ? null : BigInt(row.size);
};

/** The size of the newest checkpoint that the witness whose key has this id (hex) has signed; null when there is none. */
export const newestSignedWith = async (
  sql: Sql,
  workspaceId: string,
  keyId: string,
): Promise<bigint | null> => {
  const [row] = await sql.query<{ size: string | null }>(
    `SELECT max(c.size) AS size
       FROM witness w
      CROSS JOIN LATERAL (
        SELECT size FROM cosignature WHERE workspace_id = $1 AND witness_id = w.id
         ORDER BY witness_id DESC, size DESC LIMIT 1) c
      WHERE w.workspace_id = $1 AND split_part(w.verifier_key, '+', 2) = $2`,
    [workspaceId, keyId],
  );
  return row?.size == null ? null : BigInt(row.size);
};

/** The checkpoint of a size that witnesses have signed, with their lines. */
export const cosignedNote = async (sql: Sql, workspaceId: string, size: bigint): Promise<string> => {
  const [row] = await sql.query<{ checkpoint: string }>(
    'SELECT checkpoint FROM cosigned_checkpoint WHERE workspace_id = $1 AND size = $2',
    [workspaceId, String(size)],
  );
  return (row?.checkpoint ?? '') + (await cosignaturesOf(sql, workspaceId, size));
};
