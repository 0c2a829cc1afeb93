import type { Sql } from '@countersign/persistence';

/** Bytes of documents of a table that are in memory at a time; a single document may be larger. */
export const bytesAtOnce = 2 * 1024 * 1024;
const rowsAtOnce = 2_000;

/** A row about a request, with its documents. */
export interface DocumentRow extends Record<string, unknown> {
  request_id: string;
}

export interface DocumentPage<Row> {
  rows: Row[];
  isLast: boolean;
}

/** Where documents about requests are. Column names are constants of the program. */
export interface DocumentLayout {
  table: string;
  /** The column with the id of the request. */
  request?: string;
  /** What else is in the primary key, with types. */
  key?: Record<string, string>;
  /** Columns that may have to change, with types. */
  documents: Record<string, 'json' | 'text'>;
  /** Columns that say something about them. */
  also?: readonly string[];
  /** What the rows are read from, if not the table alone; `$2` is the workspace. */
  from?: string;
  /** What is written where a document goes, if not `CASE WHEN it IS NOT NULL` the new one. */
  set?: string;
}

/** A table with documents about requests, read page by page and written row by row. */
export class DocumentTable<Row extends DocumentRow> {
  readonly documents: readonly string[];
  private readonly key: readonly string[];
  private readonly reading: string;
  private readonly writing: string;

  constructor({
    table,
    request = 'request_id',
    key = {},
    documents,
    also = [],
    from = table,
    set,
  }: DocumentLayout) {
    this.documents = Object.keys(documents);
    this.key = Object.keys(key);
    const place = ['request_id', ...this.key].join(', ');
    const sum = (bytes: (column: string) => string) =>
      this.documents.map((column) => `coalesce(${bytes(column)}, 0)`).join(' + ');
    const after = Object.values(key).map((type, index) => `$${index + 5}::${type}`);
    // What is stored is smaller than the document: only what may fit is unpacked to know how large it is.
    this.reading = `
      SELECT ${[place, ...also].join(', ')}, candidates, before < $3 AS fits,
             ${this.documents.map((column) => `CASE WHEN before < $3 THEN ${column} END AS ${column}`).join(', ')}
        FROM (SELECT *, sum(bytes) OVER (ORDER BY ${place}) - bytes AS before
                FROM (SELECT *, ${sum((column) => `octet_length(${column}::text)`)} AS bytes
                        FROM (SELECT *, sum(stored) OVER (ORDER BY ${place}) - stored AS stored_before, count(*) OVER ()::int AS candidates
                                FROM (SELECT ${[`${request} AS request_id`, ...this.key, ...also, ...this.documents].join(', ')},
                                             ${sum((column) => `pg_column_size(${column})`)} AS stored
                                        FROM ${from}
                                       WHERE ${request} = ANY ($1::uuid[]) AND workspace_id = $2
                                         AND ($4::uuid IS NULL OR (${[request, ...this.key].join(', ')}) > (${['$4::uuid', ...after].join(', ')}))
                                       ORDER BY ${[request, ...this.key].join(', ')} LIMIT ${rowsAtOnce}) r) s
                       WHERE stored_before < $3) b) p
       ORDER BY ${place}`;
    const given = [...this.key, ...this.documents];
    const types = [...Object.values(key), ...Object.values(documents)].map(
      (type, index) => `$${index + 3}::${type}[]`,
    );
    this.writing = `
      UPDATE ${table} t SET ${set ?? this.documents.map((column) => `${column} = CASE WHEN t.${column} IS NOT NULL THEN c.${column} END`).join(', ')}
        FROM unnest(${['$2::uuid[]', ...types].join(', ')}) AS c (${['request_id', ...given].join(', ')})
       WHERE ${['t.workspace_id = $1', ...(from === table ? [`t.${request} = c.request_id`] : []), ...this.key.map((column) => `t.${column} = c.${column}`)].join(' AND ')}`;
  }

  /** The rows of these requests that come after another one, as many as fit into memory, one at least. */
  async page(
    sql: Sql,
    workspaceId: string,
    requestIds: readonly string[],
    after: Row | null,
  ): Promise<DocumentPage<Row>> {
    const found = await sql.query<Row & { candidates: number; fits: boolean }>(this.reading, [
      requestIds,
      workspaceId,
      bytesAtOnce,
      after?.request_id ?? null,
      ...this.key.map((column) => after?.[column] ?? null),
    ]);
    const rows = found.filter(({ fits }) => fits);
    const candidates = found[0]?.candidates ?? 0;
    return { rows, isLast: rows.length === candidates && candidates < rowsAtOnce };
  }

  /** Rows with what their documents are to be, as text. */
  async write(
    sql: Sql,
    workspaceId: string,
    rows: readonly { row: Row; documents: readonly (string | null)[] }[],
  ): Promise<void> {
    if (rows.length === 0) return;
    await sql.query(this.writing, [
      workspaceId,
      rows.map(({ row }) => row.request_id),
      ...this.key.map((column) => rows.map(({ row }) => row[column])),
      ...this.documents.map((_, index) => rows.map(({ documents }) => documents[index] ?? null)),
    ]);
  }
}
