import type { Database, Sql } from '@countersign/persistence';
import { isVia, type EntryFilter } from '../log/entry.rows';
import type { ExportedEntry } from './exported-entry';

/** Whether all of the log is wanted: then no index may be missing. */
export const isUnfiltered = ({ allowed, ...filter }: EntryFilter): boolean =>
  allowed === null && Object.values(filter).every((value) => value === undefined || value === null);

/** What of the log is wanted: from an index up to, but without, another. */
export interface Range {
  from: number;
  to: number;
}

/** A part of the log that fits into memory. */
export interface EntryPage {
  entries: ExportedEntry[];
  /** Where the next page begins. */
  next: number;
  /** The first index that was left in the log when the page was read: what of the page's range is before it has been pruned. */
  first: number;
}

export interface PageLimits {
  /** Entries of a page. */
  entries: number;
  /** Bytes of content, and bytes of sealed data, after which a page takes no further entry. */
  bytes: number;
  /** Entries that one statement looks at: of a filter that finds few it must not read on for ever. */
  looked: number;
}

export const pageLimits: PageLimits = { entries: 1_000, bytes: 1024 * 1024, looked: 50_000 };

interface EntryRow {
  index: string;
  id: string;
  type: string;
  at: Date;
  request_id: string | null;
  request_version: number | null;
  workflow_key: string | null;
  /** Null for what did not fit any more. */
  content: string | null;
  leaf_hash: string;
  [column: string]: unknown;
}

interface SealedRow {
  index: string;
  subject: string;
  kind: string;
  commitment: string;
  salt: string | null;
  data: string | null;
  fits: boolean;
  [column: string]: unknown;
}

/**
 * The next entries of a range, by index, as of one moment: in a transaction of its own. How large a value is PostgreSQL knows without
 * unpacking it, so what would not fit is not sent. One entry always fits.
 */
export const readPage = (
  database: Database,
  workspaceId: string,
  filter: EntryFilter,
  range: Range,
  limits: PageLimits = pageLimits,
): Promise<EntryPage> =>
  database.snapshot(workspaceId, async (sql) => {
    const [[head], page] = await Promise.all([
      sql.query<{ first: string }>('SELECT first_index AS first FROM log_head WHERE workspace_id = $1', [
        workspaceId,
      ]),
      entriesOf(sql, workspaceId, filter, range, limits),
    ]);
    return { ...page, first: Number(head?.first ?? 0) };
  });

const entriesOf = async (
  sql: Sql,
  workspaceId: string,
  filter: EntryFilter,
  range: Range,
  limits: PageLimits,
): Promise<Omit<EntryPage, 'first'>> => {
  const to = Math.min(range.to, range.from + limits.looked);
  const conditions = ['workspace_id = $1', 'index >= $2', 'index < $3'];
  const values: unknown[] = [workspaceId, range.from, to, limits.entries, limits.bytes];
  const where = (condition: string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length}`));
  };
  where('request_id = ?', filter.requestId);
  where('actor_id = ?', filter.actor);
  where('type = ?', filter.type);
  where(isVia, filter.via);
  where('workflow_key = ?', filter.workflow);
  where('at >= ?::timestamptz', filter.from);
  where('at < ?::timestamptz', filter.to);
  where('workflow_key = ANY (?::text[])', filter.allowed);
  const found = await sql.query<EntryRow>(
    `SELECT index, id, type, at, request_id, request_version, workflow_key, encode(leaf_hash, 'base64') AS leaf_hash,
            CASE WHEN before < $5::int THEN content::text END AS content
       FROM (SELECT e.*, sum(octet_length(content::text)) OVER (ORDER BY index) - octet_length(content::text) AS before
               FROM (SELECT * FROM entry WHERE ${conditions.join(' AND ')} ORDER BY index LIMIT $4) e) e
      ORDER BY index`,
    values,
  );
  const rows = wholeRows(found);
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return { entries: [], next: to };
  const indexes = rows.map(({ index }) => index);
  const isUnbroken = Number(last.index) - Number(first.index) === rows.length - 1;
  const parts = await sql.query<SealedRow>(
    `SELECT index, subject, kind, commitment, fits, CASE WHEN fits THEN encode(salt, 'base64') END AS salt,
            CASE WHEN fits THEN data::text END AS data
       FROM (SELECT *, sum(bytes) OVER (ORDER BY index) - sum(bytes) OVER (PARTITION BY index) < $2::int AS fits
               FROM (SELECT *, coalesce(octet_length(data::text), 0) AS bytes FROM ${isUnbroken ? ofRange : ofEach}) s) s
      ORDER BY index, position`,
    [workspaceId, limits.bytes, ...(isUnbroken ? [first.index, last.index] : [indexes])],
  );
  const unfit = parts.find(({ fits }) => !fits);
  const kept = unfit ? rows.filter(({ index }) => Number(index) < Number(unfit.index)) : rows;
  const sealed = textsOf(parts);
  const isLast = kept.length === found.length && found.length < limits.entries;
  return {
    entries: kept.map((row) => entryOf(row, sealed.get(row.index) ?? '[]')),
    next: isLast ? to : Number(kept.at(-1)?.index) + 1,
  };
};

const ofRange = '(SELECT * FROM sealed WHERE workspace_id = $1 AND index BETWEEN $3 AND $4) r';

/** One look by the primary key for each: for `= ANY` the planner, misled by row-level security, reads all that a workspace has. */
const ofEach = `unnest($3::bigint[]) AS wanted (wanted)
  CROSS JOIN LATERAL (SELECT * FROM sealed WHERE workspace_id = $1 AND index = wanted OFFSET 0) r`;

const wholeRows = (rows: EntryRow[]): (EntryRow & { content: string })[] => {
  const end = rows.findIndex(({ content }) => content === null);
  return (end < 0 ? rows : rows.slice(0, end)) as (EntryRow & { content: string })[];
};

/** JSON may have line breaks between its tokens, and nowhere else. */
const onOneLine = (json: string): string => (/[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json);

/** The sealed parts of each entry as JSON. */
const textsOf = (parts: readonly SealedRow[]): Map<string, string> => {
  const lists = new Map<string, string[]>();
  for (const { index, subject, kind, commitment, salt, data } of parts) {
    const list = lists.get(index);
    const item =
      `{"subject":"${subject}","kind":${JSON.stringify(kind)},"salt":${salt === null ? 'null' : `"${salt}"`},` +
      `"data":${data === null ? 'null' : onOneLine(data)},"commitment":${JSON.stringify(commitment)}}`;
    if (list) list.push(item);
    else lists.set(index, [item]);
  }
  return new Map([...lists].map(([index, items]) => [index, `[${items.join(',')}]`]));
};

const entryOf = (row: EntryRow & { content: string }, sealed: string): ExportedEntry => ({
  index: Number(row.index),
  id: row.id,
  type: row.type,
  at: row.at.toISOString(),
  requestId: row.request_id,
  requestVersion: row.request_version,
  workflow: row.workflow_key,
  content: onOneLine(row.content),
  sealed,
  leafHash: row.leaf_hash,
});
