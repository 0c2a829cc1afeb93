import { isUuid, type RequestToErase } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { namesOf, redact } from '@countersign/redaction';
import { bytesAtOnce } from './document-table';
import type { ErasureScope } from './eraser';

interface Letter extends Record<string, unknown> {
  id: string;
  request_id: string | null;
  envelope: unknown;
  fits: boolean;
}

/** Letters that one statement looks at. */
const atOnce = 500;

/**
 * Messages that could not be handled: those about these requests, and, with `general`, all that mention the subject. There are few:
 * the workspace's are looked through. What is replayed later is replayed without the data.
 */
export const eraseDeadLetters = async (
  sql: Sql,
  scope: ErasureScope,
  requests: readonly RequestToErase[],
  general: boolean,
): Promise<number> => {
  let count = 0;
  for (let after: string | null = null; ;) {
    const found: Letter[] = await nextLetters(sql, scope, requests, general, after);
    const letters = found.filter(({ fits }) => fits);
    count += await eraseLetters(sql, scope, requests, letters);
    after = letters.at(-1)?.id ?? null;
    if (after === null || (letters.length === found.length && found.length < atOnce)) return count;
  }
};

/** As many as fit into memory have their envelope. */
const nextLetters = (
  sql: Sql,
  { workspaceId, subject }: ErasureScope,
  requests: readonly RequestToErase[],
  general: boolean,
  after: string | null,
): Promise<Letter[]> =>
  sql.query<Letter>(
    `SELECT id, request_id, fits, CASE WHEN fits THEN envelope END AS envelope
       FROM (SELECT *, sum(octet_length(envelope::text)) OVER (ORDER BY id) - octet_length(envelope::text) < $5 AS fits
               FROM (SELECT id, envelope, request_id
                       FROM (SELECT id, envelope, coalesce(envelope #>> '{data,requestId}', envelope #>> '{data,request,id}') AS request_id
                               FROM dead_letter WHERE workspace_id = $1 AND ($4::uuid IS NULL OR id > $4)) d
                      WHERE request_id = ANY ($2::text[])
                         OR EXISTS (SELECT FROM json_array_elements(CASE json_typeof(envelope #> '{data,facts}') WHEN 'array' THEN envelope #> '{data,facts}' ELSE '[]' END) f
                                     WHERE f ->> 'requestId' = ANY ($2::text[]))
                         OR ($3::text IS NOT NULL AND position($3 IN envelope::text) > 0)
                      ORDER BY id LIMIT ${atOnce}) l) f
      ORDER BY id`,
    [workspaceId, requests.map(({ id }) => id), general ? subject : null, after, bytesAtOnce],
  );

const eraseLetters = async (
  sql: Sql,
  { subject }: ErasureScope,
  requests: readonly RequestToErase[],
  letters: readonly Letter[],
): Promise<number> => {
  const byId = new Map(requests.map((request) => [request.id, request]));
  const changed = letters.flatMap(({ id, request_id: requestId, envelope }) => {
    const isRequester =
      requestId !== null && isUuid(requestId) && (byId.get(requestId)?.isRequester ?? false);
    const names = subject === null ? [] : namesOf([envelope], subject);
    const before = JSON.stringify(envelope);
    const after = JSON.stringify(redact(envelope, { subject, isRequester, names }));
    return before === after ? [] : [{ id, after }];
  });
  if (changed.length > 0) {
    await sql.query(
      `UPDATE dead_letter d SET envelope = c.envelope, error = 'Erased'
         FROM unnest($1::uuid[], $2::json[]) AS c (id, envelope) WHERE d.id = c.id`,
      [changed.map(({ id }) => id), changed.map(({ after }) => after)],
    );
  }
  return changed.length;
};
