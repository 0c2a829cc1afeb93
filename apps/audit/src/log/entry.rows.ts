import type { Sql } from '@countersign/persistence';

/** An entry as product §3 shows it. */
export interface EntryView {
  index: number;
  id: string;
  type: string;
  at: string;
  requestId: string | null;
  requestVersion: number | null;
  content: Record<string, unknown>;
  sealed: { subject: string; kind: string; salt: string | null; data: unknown; commitment: string }[];
  leafHash: string;
}

export interface EntryFilter {
  requestId?: string;
  actor?: string;
  type?: string;
  from?: string;
  to?: string;
  /** Workflows that the key may see; null for all. */
  allowed: string[] | null;
}

interface Row {
  index: string;
  id: string;
  type: string;
  at: Date;
  requestId: string | null;
  requestVersion: number | null;
  content: Record<string, unknown>;
  leafHash: Buffer;
  sealed: EntryView['sealed'] | null;
  [column: string]: unknown;
}

/** Oldest first, after an index; one row more than the page. */
export const listEntries = async (
  sql: Sql,
  workspaceId: string,
  filter: EntryFilter,
  after: string | null,
  limit: number,
): Promise<EntryView[]> => {
  const conditions = ['e.workspace_id = $1', 'e.index > $2'];
  const values: unknown[] = [workspaceId, after ?? '-1'];
  const where = (condition: string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length}`));
  };
  where('e.request_id = ?', filter.requestId);
  where('e.actor_id = ?', filter.actor);
  where('e.type = ?', filter.type);
  where('e.at >= ?::timestamptz', filter.from);
  where('e.at < ?::timestamptz', filter.to);
  where('e.workflow_key = ANY (?::text[])', filter.allowed);
  values.push(limit + 1);
  const rows = await sql.query<Row>(
    `SELECT e.index, e.id, e.type, e.at, e.request_id AS "requestId", e.request_version AS "requestVersion", e.content,
            e.leaf_hash AS "leafHash", s.sealed
       FROM (SELECT * FROM entry e WHERE ${conditions.join(' AND ')} ORDER BY e.index LIMIT $${values.length}) e
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('subject', subject, 'kind', kind, 'salt', encode(salt, 'base64'), 'data', data,
                                           'commitment', commitment) ORDER BY position) AS sealed
           FROM sealed WHERE workspace_id = e.workspace_id AND index = e.index) s ON true
      ORDER BY e.index`,
    values,
  );
  return rows.map((row) => ({
    index: Number(row.index),
    id: row.id,
    type: row.type,
    at: row.at.toISOString(),
    requestId: row.requestId,
    requestVersion: row.requestVersion,
    content: row.content,
    sealed: row.sealed ?? [],
    leafHash: row.leafHash.toString('base64'),
  }));
};
