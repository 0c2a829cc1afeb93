import type { QueryRunner } from 'typeorm';

export const tileTables = ['subtree'];

/**
 * The hashes of tiles of level 1 and above: of every 256 entries one, of every 65,536 one more, and so on. Those of level
 * 0 are the entries' own.
 */
export const createTileTables = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE subtree (
      workspace_id uuid NOT NULL,
      level smallint NOT NULL CHECK (level > 0),
      index bigint NOT NULL,
      hash bytea NOT NULL,
      PRIMARY KEY (workspace_id, level, index)
    )`);
};
