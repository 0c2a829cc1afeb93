import { isUuid, type RequestToErase } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { namesOf, redact } from '@countersign/redaction';
import type { ErasureScope } from './eraser';

interface Letter extends Record<string, unknown> {
  id: string;
  request_id: string | null;
  envelope: unknown;
}

/**
 * Messages that could not be handled: those about these requests, and, with `general`, all that mention the subject. There are few:
 * the workspace's are looked through. What is replayed later is replayed without the data.
 */
export const eraseDeadLetters = async (
  sql: Sql,
  { workspaceId, subject }: ErasureScope,
  requests: readonly RequestToErase[],
  general: boolean,
): Promise<number> => {
  const letters = await sql.query<Letter>(
    `SELECT id, request_id, envelope
       FROM (SELECT id, envelope, coalesce(envelope #>> '{data,requestId}', envelope #>> '{data,request,id}') AS request_id
               FROM dead_letter WHERE workspace_id = $1) d
      WHERE request_id = ANY ($2::text[])
         OR EXISTS (SELECT FROM json_array_elements(CASE json_typeof(envelope #> '{data,facts}') WHEN 'array' THEN envelope #> '{data,facts}' ELSE '[]' END) f
                     WHERE f ->> 'requestId' = ANY ($2::text[]))
         OR ($3::text IS NOT NULL AND position($3 IN envelope::text) > 0)
      ORDER BY id`,
    [workspaceId, requests.map(({ id }) => id), general ? subject : null],
  );
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
