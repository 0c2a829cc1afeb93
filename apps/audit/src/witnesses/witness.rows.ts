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

export const findWitnesses = (sql: Sql, workspaceId: string): Promise<Witness[]> =>
  sql.query<Witness>(`SELECT ${columns} FROM witness WHERE workspace_id = $1`, [workspaceId]);

/** With all that it has cosigned. */
export const deleteWitness = (sql: Sql, workspaceId: string, id: string): Promise<Witness[]> =>
  sql.query<Witness>(`DELETE FROM witness WHERE workspace_id = $1 AND id = $2 RETURNING ${columns}`, [
    workspaceId,
    id,
  ]);

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

/** The newest checkpoint that at least so many witnesses have signed, with their lines; null when there is none. */
export const newestCosigned = async (
  sql: Sql,
  workspaceId: string,
  witnesses: number,
): Promise<string | null> => {
  const [row] = await sql.query<{ note: string }>(
    `SELECT k.checkpoint || c.lines AS note
       FROM cosigned_checkpoint k
      CROSS JOIN LATERAL (
        SELECT string_agg(c.line, '' ORDER BY w.name, w.id) AS lines, count(*) AS witnesses
          FROM cosignature c JOIN witness w ON w.workspace_id = c.workspace_id AND w.id = c.witness_id
         WHERE c.workspace_id = $1 AND c.size = k.size) c
      WHERE k.workspace_id = $1 AND c.witnesses >= $2
      ORDER BY k.size DESC LIMIT 1`,
    [workspaceId, witnesses],
  );
  return row?.note ?? null;
};
