import type { Sql } from '@countersign/persistence';
import { joinContents } from '../../log/split-entry';
import type { TrailEntry } from '../runs/trail-entry';

/** Entries of one request, in the order of the log. */
export interface RequestEntries {
  requestId: string;
  entries: TrailEntry[];
}

export interface EntryPack {
  requests: RequestEntries[];
  /** Where to read on. */
  nextIndex: number;
  /** There is more in the log. */
  isFull: boolean;
}

interface Row {
  index: string;
  type: string;
  at: Date;
  request_id: string | null;
  request_version: number | null;
  workflow_key: string | null;
  content: Record<string, unknown>;
  region: string | null;
  department: string | null;
  [column: string]: unknown;
}

/**
 * At most `limit` entries from `from` on; more only if one transition has more. A transition, whose entries stand in the log
 * together, is never cut: what comes of it is worked out at once.
 */
export const readPack = async (
  sql: Sql,
  workspaceId: string,
  from: number,
  limit: number,
): Promise<EntryPack> => {
  const rows = await sql.query<Row>(
    `SELECT e.index, e.type, e.at, e.request_id, e.request_version, e.workflow_key, e.content, p.region, p.department
       FROM (SELECT * FROM entry WHERE workspace_id = $1 AND index >= $2 ORDER BY index LIMIT $3) e
       LEFT JOIN LATERAL (
         SELECT data ->> 'region' AS region, data ->> 'department' AS department FROM sealed
          WHERE workspace_id = e.workspace_id AND index = e.index AND kind = 'person'
            AND subject::text = e.content ->> 'requester'
          LIMIT 1) p ON e.type = 'request.created'
      ORDER BY e.index`,
    [workspaceId, from, limit],
  );
  const isFull = rows.length === limit;
  const whole = isFull ? withoutLastTransition(rows) : rows;
  if (isFull && whole.length === 0) return readPack(sql, workspaceId, from, limit * 2);
  const requests = new Map<string, TrailEntry[]>();
  for (const row of joinContents(whole)) {
    // Facts that are no transition of a request tell nothing of its way.
    if (row.request_id === null || row.request_version === null || row.workflow_key === null) continue;
    const entries = requests.get(row.request_id) ?? [];
    requests.set(row.request_id, entries);
    entries.push({
      index: Number(row.index),
      type: row.type,
      at: row.at.toISOString(),
      requestVersion: row.request_version,
      workflowKey: row.workflow_key,
      content: row.content,
      region: row.region,
      department: row.department,
    });
  }
  const last = whole.at(-1);
  return {
    requests: [...requests].map(([requestId, entries]) => ({ requestId, entries })),
    nextIndex: last ? Number(last.index) + 1 : from,
    isFull,
  };
};

const withoutLastTransition = (rows: readonly Row[]): Row[] => {
  const last = rows.at(-1);
  if (!last || last.request_version === null) return [...rows];
  let end = rows.length;
  const isSame = (row: Row | undefined) =>
    row?.request_id === last.request_id && row?.request_version === last.request_version;
  while (isSame(rows[end - 1])) end -= 1;
  return rows.slice(0, end);
};
