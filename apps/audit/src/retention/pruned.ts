import type { Sql } from '@countersign/persistence';

/** What of the log is gone. */
export interface Pruned {
  /** Entries with a smaller index. */
  before: number;
  at: string;
}

/** What is gone of what comes after an index; null when that is all there. */
export const readPruned = async (
  sql: Sql,
  workspaceId: string,
  after: string | null,
): Promise<Pruned | null> => {
  const [head] = await sql.query<{ first_index: string; pruned_at: Date | null }>(
    'SELECT first_index, pruned_at FROM log_head WHERE workspace_id = $1 AND first_index > $2::bigint + 1',
    [workspaceId, after ?? '-1'],
  );
  return head?.pruned_at ? { before: Number(head.first_index), at: head.pruned_at.toISOString() } : null;
};

/** A page of entries that says so where some are gone. */
export const prunedPageSchema = (page: { type: string; required: string[]; properties: object }) => ({
  ...page,
  properties: {
    ...page.properties,
    pruned: {
      type: ['object', 'null'],
      description: 'Entries that come before this page and were pruned; null when there are none',
      properties: { before: { type: 'integer' }, at: { type: 'string', format: 'date-time' } },
    },
  },
});
