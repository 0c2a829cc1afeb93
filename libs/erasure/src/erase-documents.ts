import type { RequestToErase } from '@countersign/contracts';
import { namesOf, redact } from '@countersign/redaction';
import type { Sql } from '@countersign/persistence';
import type { DocumentPage, DocumentRow, DocumentTable } from './document-table';
import type { Counts, ErasureScope } from './eraser';

/** What is written in place of a document about a request; `author`: who wrote what is at its top, if that is known. */
export type Redact = <T>(document: T, author?: string | null) => T;

/** How documents of a kind lose somebody's data. */
export interface DocumentKind<Row extends DocumentRow = DocumentRow> {
  /** What their number is called. */
  name: string;
  table: DocumentTable<Row>;
  /** Of which requests; by default of all. */
  only?: (request: RequestToErase) => boolean;
  /** What of a row may say what the subject is called; by default its documents. */
  known?: (row: Row) => readonly unknown[];
  /** Looks up what `redact` needs for some rows. */
  prepare?: (rows: readonly Row[]) => Promise<void>;
  /** The documents as they are to be, as text, in the table's order; null where nothing changes. */
  redact: (
    row: Row,
    redact: Redact,
    request: RequestToErase,
    names: readonly string[],
  ) => (string | null)[] | null;
}

/** Holds a kind's own type of row. */
export const kindOf = <Row extends DocumentRow>(kind: DocumentKind<Row>): DocumentKind =>
  kind as unknown as DocumentKind;

/** Of JSON documents, what they are to be; null where that is what they are. */
export const changed = (before: readonly unknown[], after: readonly unknown[]): string[] | null => {
  const [was, is] = [before, after].map((documents) =>
    documents.map((document) => JSON.stringify(document ?? null)),
  ) as [string[], string[]];
  return was.every((text, index) => text === is[index]) ? null : is;
};

/**
 * Erases in documents about the first of these requests: as many requests as fit into memory together. A single one may
 * have more documents than that; they are gone through twice then, the first time for what the subject is called.
 */
export const eraseDocuments = async (
  sql: Sql,
  scope: ErasureScope,
  requests: readonly RequestToErase[],
  kinds: readonly DocumentKind[],
  /** What the subject is called as far as is known from elsewhere. */
  names: readonly string[] = [],
): Promise<{ erased: readonly RequestToErase[]; counts: Counts }> => {
  let erased = requests;
  let pages = await firstPages(sql, scope, erased, kinds);
  while (erased.length > 1 && !pages.every(({ isLast }) => isLast)) {
    erased = erased.slice(0, Math.ceil(erased.length / 2));
    pages = await firstPages(sql, scope, erased, kinds);
  }
  const byId = new Map(erased.map((request) => [request.id, { request, names: new Set(names) }]));
  const rowsOf = (at: number) =>
    allRows(sql, scope, erased, kinds[at] as DocumentKind, pages[at] as DocumentPage<DocumentRow>);
  const { subject } = scope;
  if (subject !== null) {
    for (const [at, { table, known }] of kinds.entries())
      for await (const rows of rowsOf(at))
        for (const row of rows)
          for (const name of namesOf(known?.(row) ?? table.documents.map((column) => row[column]), subject))
            byId.get(row.request_id)?.names.add(name);
  }
  const redactors = new Map(
    [...byId].map(([id, one]) => {
      const called = [...one.names];
      const { isRequester } = one.request;
      const redactOne: Redact = (document, author) =>
        redact(document, { subject, isRequester, names: called, author });
      return [id, { request: one.request, names: called, redact: redactOne }];
    }),
  );
  const counts: Counts = {};
  for (const [at, kind] of kinds.entries()) {
    for await (const rows of rowsOf(at)) {
      await kind.prepare?.(rows);
      const after = rows.flatMap((row) => {
        const of = redactors.get(row.request_id);
        const documents = of && kind.redact(row, of.redact, of.request, of.names);
        return documents ? [{ row, documents }] : [];
      });
      await kind.table.write(sql, scope.workspaceId, after);
      counts[kind.name] = (counts[kind.name] ?? 0) + after.length;
    }
  }
  return { erased, counts };
};

const idsOf = (requests: readonly RequestToErase[], { only = () => true }: DocumentKind): string[] =>
  requests.filter(only).map(({ id }) => id);

const firstPages = (
  sql: Sql,
  { workspaceId }: ErasureScope,
  requests: readonly RequestToErase[],
  kinds: readonly DocumentKind[],
): Promise<DocumentPage<DocumentRow>[]> =>
  Promise.all(kinds.map((kind) => kind.table.page(sql, workspaceId, idsOf(requests, kind), null)));

/** A kind's rows, page by page, the first of which is there already. */
async function* allRows(
  sql: Sql,
  { workspaceId }: ErasureScope,
  requests: readonly RequestToErase[],
  kind: DocumentKind,
  first: DocumentPage<DocumentRow>,
): AsyncGenerator<DocumentRow[]> {
  const ids = idsOf(requests, kind);
  for (let page = first; ; page = await kind.table.page(sql, workspaceId, ids, page.rows.at(-1) ?? null)) {
    yield page.rows;
    if (page.isLast) return;
  }
}
