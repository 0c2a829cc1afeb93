import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { Finding, FindingKind } from './finding';

/** Characters of a detail that are kept: an index must hold them, whatever somebody has put into a column. */
const mostDetail = 500;

/** A finding as it is kept. */
export interface Tampering extends Record<string, unknown> {
  id: string;
  kind: FindingKind;
  index: string;
  detail: string;
  foundAt: Date;
  seenAt: Date;
  acknowledgedAt: Date | null;
  acknowledgedBy: Actor | null;
}

const columns = `id, kind, index, detail, found_at AS "foundAt", seen_at AS "seenAt", acknowledged_at AS "acknowledgedAt",
  acknowledged_by AS "acknowledgedBy"`;

/** Keeps findings, and answers those that were not known yet. */
export const storeFindings = async (
  sql: Sql,
  workspaceId: string,
  findings: readonly Finding[],
): Promise<Tampering[]> => {
  const kept = findings.map(({ kind, index, detail }) => ({
    kind,
    index: String(index),
    detail: detail.slice(0, mostDetail),
  }));
  const distinct = [...new Map(kept.map((finding) => [JSON.stringify(finding), finding])).values()];
  if (distinct.length === 0) return [];
  const rows = await sql.query<Tampering & { is_new: boolean }>(
    `INSERT INTO tampering (workspace_id, id, kind, index, detail)
     SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[])
     ON CONFLICT (workspace_id, kind, index, detail) WHERE NOT is_over DO UPDATE SET seen_at = now()
     RETURNING ${columns}, xmax = 0 AS is_new`,
    [
      workspaceId,
      distinct.map(() => v7()),
      distinct.map(({ kind }) => kind),
      distinct.map(({ index }) => index),
      distinct.map(({ detail }) => detail),
    ],
  );
  const fresh = rows.filter((row) => row.is_new);
  await countFindings(sql, workspaceId, fresh.length);
  return fresh;
};

/** A pass has come to its end: what it has not found is over, and a new finding when it comes again. */
export const endFindings = (sql: Sql, workspaceId: string): Promise<unknown> =>
  sql.query(
    `UPDATE tampering t SET is_over = true FROM self_check s
      WHERE t.workspace_id = $1 AND s.workspace_id = $1 AND NOT t.is_over AND t.seen_at < s.pass_started_at`,
    [workspaceId],
  );

/** Newest first, before an id; one row more than the page. */
export const listFindings = (
  sql: Sql,
  workspaceId: string,
  before: string | null,
  limit: number,
): Promise<Tampering[]> =>
  sql.query<Tampering>(
    `SELECT ${columns} FROM tampering
      WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [workspaceId, before, limit + 1],
  );

export const findFinding = async (sql: Sql, workspaceId: string, id: string): Promise<Tampering | null> => {
  const [row] = await sql.query<Tampering>(
    `SELECT ${columns} FROM tampering WHERE workspace_id = $1 AND id = $2`,
    [workspaceId, id],
  );
  return row ?? null;
};

/** Null when somebody has acknowledged it before, or there is none. */
export const acknowledgeFinding = async (
  sql: Sql,
  workspaceId: string,
  id: string,
  by: Actor,
): Promise<Tampering | null> => {
  const [row] = await sql.query<Tampering>(
    `UPDATE tampering SET acknowledged_at = now(), acknowledged_by = $3
      WHERE workspace_id = $1 AND id = $2 AND acknowledged_at IS NULL RETURNING ${columns}`,
    [workspaceId, id, JSON.stringify(by)],
  );
  if (row) await countFindings(sql, workspaceId, -1);
  return row ?? null;
};

const countFindings = (sql: Sql, workspaceId: string, more: number): Promise<unknown> =>
  sql.query('UPDATE self_check SET findings = findings + $2 WHERE workspace_id = $1', [workspaceId, more]);
