import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

const id = { type: 'string', format: 'uuid' };
const idOrNull = { type: ['string', 'null'], format: 'uuid' };

export const holdSchema = {
  type: 'object',
  required: [
    'id',
    'reason',
    'requestId',
    'subject',
    'workflow',
    'placedAt',
    'placedBy',
    'releasedAt',
    'releasedBy',
  ],
  description: 'Without requestId, subject and workflow it covers the whole workspace',
  properties: {
    id,
    reason: { type: ['string', 'null'], description: 'Null once whoever gave it has been erased' },
    requestId: idOrNull,
    subject: idOrNull,
    workflow: { type: ['string', 'null'] },
    placedAt: { type: 'string', format: 'date-time' },
    placedBy: { type: 'object' },
    releasedAt: { type: ['string', 'null'], format: 'date-time' },
    releasedBy: { type: ['object', 'null'] },
  },
};

interface Row extends Record<string, unknown> {
  id: string;
  reason: string | null;
  request_id: string | null;
  subject: string | null;
  workflow_key: string | null;
  placed_at: Date;
  placed_by: Actor;
  released_at: Date | null;
  released_by: Actor | null;
}

const select = `
  SELECT h.*, s.data #>> '{}' AS reason FROM hold h
    LEFT JOIN entry n ON n.workspace_id = h.workspace_id AND n.id = h.entry_id
    LEFT JOIN sealed s ON s.workspace_id = n.workspace_id AND s.index = n.index AND s.kind = 'reason'`;

const viewOf = (row: Row) => ({
  id: row.id,
  reason: row.reason,
  requestId: row.request_id,
  subject: row.subject,
  workflow: row.workflow_key,
  placedAt: row.placed_at.toISOString(),
  placedBy: row.placed_by,
  releasedAt: row.released_at?.toISOString() ?? null,
  releasedBy: row.released_by,
});

export type HoldView = ReturnType<typeof viewOf>;

export const findHold = async (sql: Sql, workspaceId: string, id: string): Promise<HoldView | null> => {
  const [row] = await sql.query<Row>(`${select} WHERE h.workspace_id = $1 AND h.id = $2`, [workspaceId, id]);
  return row ? viewOf(row) : null;
};

/** Newest first, before a position, those that are released too; one row more than the page. */
export const listHolds = async (
  sql: Sql,
  workspaceId: string,
  before: string | null,
  limit: number,
): Promise<HoldView[]> =>
  (
    await sql.query<Row>(
      `${select} WHERE h.workspace_id = $1 AND ($2::uuid IS NULL OR h.id < $2) ORDER BY h.id DESC LIMIT $3`,
      [workspaceId, before, limit + 1],
    )
  ).map(viewOf);
