import type pg from 'pg';

interface Explained {
  'QUERY PLAN': { Plan: Record<'Shared Hit Blocks' | 'Shared Read Blocks', number> }[];
}

/** How many pages of 8 KiB a statement of a service makes PostgreSQL look at, as the role that it works as, in one workspace. */
export const pagesRead = async (
  owner: pg.ClientBase,
  { role, workspaceId }: { role: string; workspaceId: string },
  text: string,
  values: unknown[] = [],
): Promise<number> => {
  await owner.query('BEGIN');
  try {
    await owner.query(`SET LOCAL ROLE ${role}`);
    await owner.query(`SELECT set_config('app.workspaces', $1, true)`, [workspaceId]);
    const { rows } = await owner.query<Explained>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
    return rows
      .flatMap((row) => row['QUERY PLAN'])
      .reduce((sum, { Plan }) => sum + Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'], 0);
  } finally {
    await owner.query('ROLLBACK');
  }
};
