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
  /** Id of the key, or the link, that vouched for who acted. */
  via?: string;
  type?: string;
  workflow?: string;
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

/** No index knows it: it is rare that somebody asks, and every entry would pay. */
export const isVia = `content #>> '{actor,via}' = ?`;

export interface EntriesPage {
  entries: EntryView[];
  /** The index that the next page begins behind; null at the end of the log. */
  after: number | null;
}

/** Entries that one statement looks at, and statements of a page: a filter that finds little must not read on for ever. */
const lookedAt = 10_000;
const mostLooks = 10;

/** The entries that a filter is looked for in, in the order of an index that has just them: those of one value, or the whole log. */
interface Candidates {
  /** Null for the whole log. */
  column: 'request_id' | 'actor_id' | 'type' | null;
  value: string | null;
}

const wholeLog: Candidates = { column: null, value: null };

/** Those of which a look behind an index sees all; otherwise the first. */
const candidatesOf = async (
  sql: Sql,
  workspaceId: string,
  { requestId, actor, type }: EntryFilter,
  after: number,
): Promise<Candidates> => {
  const given: { column: Candidates['column']; value: string | undefined }[] = [
    { column: 'request_id', value: requestId },
    { column: 'actor_id', value: actor },
    { column: 'type', value: type },
  ];
  const all = given.flatMap(({ column, value }) => (value === undefined ? [] : [{ column, value }]));
  const [first = wholeLog, ...others] = all;
  if (others.length === 0) return first;
  for (const one of all) if ((await endOfLook(sql, workspaceId, one, after)) === null) return one;
  return first;
};

/**
 * Said so that no other index has this order: for an equality the planner may take the primary key, expecting to find enough soon, and
 * read the whole log. `$1` workspace, `$2` index, `$3` value.
 */
const inOrder = ({ column }: Candidates): { condition: string; order: string } =>
  column === null
    ? { condition: 'index > $2 AND $3::text IS NULL', order: 'index' }
    : { condition: `(${column}, index) > ($3, $2) AND ${column} <= $3`, order: `${column}, index` };

/** Oldest first, after an index. Of a filter that finds little a page may be short, or empty, although there is more. */
export const listEntries = async (
  sql: Sql,
  workspaceId: string,
  filter: EntryFilter,
  after: string | null,
  limit: number,
): Promise<EntriesPage> => {
  let at = Number(after ?? -1);
  const candidates = await candidatesOf(sql, workspaceId, filter, at);
  const entries: EntryView[] = [];
  for (let look = 0; look < mostLooks; look += 1) {
    entries.push(
      ...(await readEntries(sql, workspaceId, filter, candidates, at, limit + 1 - entries.length)),
    );
    const last = entries[limit - 1];
    if (entries.length > limit && last) return { entries: entries.slice(0, limit), after: last.index };
    const end = await endOfLook(sql, workspaceId, candidates, at);
    if (end === null) return { entries, after: null };
    at = end;
    // Time is nearly the order of the log, but not quite. What comes before or behind the period is passed over at once.
    if (look === 0 && (filter.from ?? filter.to) !== undefined) {
      const next = await nextInPeriod(sql, workspaceId, filter, at);
      if (next === null) return { entries, after: null };
      at = next - 1;
    }
  }
  return { entries, after: at };
};

const readEntries = async (
  sql: Sql,
  workspaceId: string,
  filter: EntryFilter,
  candidates: Candidates,
  after: number,
  limit: number,
): Promise<EntryView[]> => {
  const { condition, order } = inOrder(candidates);
  const conditions = ['true'];
  const values: unknown[] = [workspaceId, after, candidates.value, limit];
  const where = (text: string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(text.replace('?', `$${values.length}`));
  };
  if (candidates.column !== 'request_id') where('request_id = ?', filter.requestId);
  if (candidates.column !== 'actor_id') where('actor_id = ?', filter.actor);
  if (candidates.column !== 'type') where('type = ?', filter.type);
  where(isVia, filter.via);
  where('workflow_key = ?', filter.workflow);
  where('at >= ?::timestamptz', filter.from);
  where('at < ?::timestamptz', filter.to);
  where('workflow_key = ANY (?::text[])', filter.allowed);
  const rows = await sql.query<Row>(
    `SELECT e.index, e.id, e.type, e.at, e.request_id AS "requestId", e.request_version AS "requestVersion", e.content,
            e.leaf_hash AS "leafHash", s.sealed
       FROM (SELECT * FROM (SELECT * FROM entry WHERE workspace_id = $1 AND ${condition} ORDER BY ${order} LIMIT ${lookedAt}) c
              WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT $4) e
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

/** The last index that a look after `after` has seen; null when it has seen all there is. */
const endOfLook = async (
  sql: Sql,
  workspaceId: string,
  candidates: Candidates,
  after: number,
): Promise<number | null> => {
  const { condition, order } = inOrder(candidates);
  const [row] = await sql.query<{ index: string }>(
    `SELECT index FROM entry WHERE workspace_id = $1 AND ${condition} ORDER BY ${order} OFFSET ${lookedAt - 1} LIMIT 1`,
    [workspaceId, after, candidates.value],
  );
  return row ? Number(row.index) : null;
};

/** The first entry of a period behind an index; null when there is none. Costs what the period has of index entries. */
const nextInPeriod = async (
  sql: Sql,
  workspaceId: string,
  { from, to }: EntryFilter,
  after: number,
): Promise<number | null> => {
  const [row] = await sql.query<{ next: string | null }>(
    // `+ 0`: or the planner may go through the log until it meets the period.
    `SELECT min(index + 0) AS next FROM entry
      WHERE workspace_id = $1 AND at >= $2::timestamptz AND at < $3::timestamptz AND index + 0 > $4`,
    [workspaceId, from ?? '-infinity', to ?? 'infinity', after],
  );
  return row?.next ? Number(row.next) : null;
};
