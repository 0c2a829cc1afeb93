import type { RequestToErase } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { DocumentTable, type DocumentRow } from './document-table';
import { changed, kindOf, type DocumentKind } from './erase-documents';
import type { ErasureScope } from './eraser';

interface PayloadRow extends DocumentRow {
  payload: unknown;
}

/** Payloads of the requests of others, which may name the subject; `key`: of a payload, beside its request. */
export const othersPayloads = (key: Record<string, string>): DocumentKind => {
  const table = new DocumentTable<PayloadRow>({
    table: 'request_payload',
    key,
    documents: { payload: 'json' },
  });
  return kindOf({
    name: 'payloads',
    table,
    only: ({ isRequester }) => !isRequester,
    // Whom it calls what is for whoever wrote it to say.
    known: () => [],
    redact: ({ payload }, redact) => changed([payload], [redact(payload)]),
  });
};

/** Payloads of the subject's own requests are gone as a whole. Answers how many were there. */
export const emptyPayloads = async (
  sql: Sql,
  { workspaceId }: ErasureScope,
  requests: readonly RequestToErase[],
): Promise<number> => {
  const own = requests.filter(({ isRequester }) => isRequester).map(({ id }) => id);
  if (own.length === 0) return 0;
  const rows = await sql.query(
    `UPDATE request_payload SET payload = 'null'
      WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[]) AND payload::text <> 'null' RETURNING 1`,
    [workspaceId, own],
  );
  return rows.length;
};
