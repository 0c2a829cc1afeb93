import type { QueryRunner } from 'typeorm';

export const witnessTables = ['witness', 'cosigned_checkpoint', 'cosignature'];

/** Who confirms what the log was, and what they have confirmed. */
export const createWitnessTables = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE witness (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      name text NOT NULL,
      verifier_key text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (workspace_id, id),
      CONSTRAINT one_witness_per_key UNIQUE (workspace_id, verifier_key)
    )`);
  await runner.query(`
    CREATE TABLE cosigned_checkpoint (
      workspace_id uuid NOT NULL,
      size bigint NOT NULL,
      root bytea NOT NULL,
      checkpoint text NOT NULL,
      witnesses integer NOT NULL DEFAULT 0,
      PRIMARY KEY (workspace_id, size)
    )`);
  // The newest that so many have signed, without reading those that fewer have.
  await runner.query(
    'CREATE INDEX cosigned_checkpoint_witnesses ON cosigned_checkpoint (workspace_id, witnesses, size)',
  );
  await runner.query(`
    CREATE TABLE cosignature (
      workspace_id uuid NOT NULL,
      size bigint NOT NULL,
      witness_id uuid NOT NULL,
      signed_at bigint NOT NULL,
      line text NOT NULL,
      PRIMARY KEY (workspace_id, size, witness_id),
      FOREIGN KEY (workspace_id, size) REFERENCES cosigned_checkpoint,
      FOREIGN KEY (workspace_id, witness_id) REFERENCES witness ON DELETE CASCADE
    )`);
  await runner.query('CREATE INDEX cosignature_witness ON cosignature (witness_id, size)');
};
