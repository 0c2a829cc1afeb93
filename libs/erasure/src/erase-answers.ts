import { isUuid } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { namesOf, redact } from '@countersign/redaction';
import { openPlainAnswer, packPlainAnswer, type Answer } from '@countersign/service-kit';
import { bytesAtOnce } from './document-table';

/** Answers that one transaction looks at. */
const atOnce = 1_000;

interface Row extends Record<string, unknown> {
  fingerprint: Buffer;
  /** Null where it does not mention the subject. */
  answer: Buffer | null;
  fits: boolean;
}

/**
 * Answers that are kept for repeated calls: those that mention the subject, page by page from a cursor on. Whoever repeats
 * a call gets its answer without the data. Encrypted ones hold secrets, and nothing about people.
 */
export const eraseAnswers = async (
  sql: Sql,
  workspaceId: string,
  subject: string,
  cursor: string | null,
): Promise<{ next: string | null; count: number }> => {
  const found = await sql.query<Row>(
    `SELECT fingerprint, fits, CASE WHEN fits AND mentions THEN answer END AS answer
       FROM (SELECT *, sum(bytes) OVER (ORDER BY fingerprint) - bytes < $4 AS fits
               FROM (SELECT *, CASE WHEN mentions THEN octet_length(answer) ELSE 0 END AS bytes
                       FROM (SELECT fingerprint, answer, (position(convert_to($3, 'UTF8') IN answer) > 0
                                                          OR position(convert_to('requestTitle', 'UTF8') IN answer) > 0) IS TRUE AS mentions
                               FROM (SELECT fingerprint, answer FROM idempotency WHERE workspace_id = $1 AND fingerprint > $2
                                      ORDER BY fingerprint LIMIT ${atOnce} FOR UPDATE) i) m) b) f
      ORDER BY fingerprint`,
    [workspaceId, Buffer.from(cursor ?? '', 'hex'), subject, bytesAtOnce],
  );
  const rows = found.filter(({ fits }) => fits);
  const documents = rows.flatMap(({ fingerprint, answer: packed }) => {
    const answer = packed && openPlainAnswer(packed);
    const document = answer && documentOf(answer);
    return document ? [{ fingerprint, answer, ...document }] : [];
  });
  const own = await ownRequests(
    sql,
    subject,
    documents.flatMap(({ requestId }) => requestId ?? []),
  );
  const changed = documents.flatMap(({ fingerprint, answer, value, requestId }) => {
    const isRequester = requestId !== null && own.has(requestId);
    const body = JSON.stringify(redact(value, { subject, isRequester, names: namesOf([value], subject) }));
    return body === answer.body ? [] : [{ fingerprint, after: packPlainAnswer({ ...answer, body }) }];
  });
  if (changed.length > 0) {
    await sql.query(
      `UPDATE idempotency i SET answer = c.answer FROM unnest($2::bytea[], $3::bytea[]) AS c (fingerprint, answer)
        WHERE i.workspace_id = $1 AND i.fingerprint = c.fingerprint`,
      [workspaceId, changed.map(({ fingerprint }) => fingerprint), changed.map(({ after }) => after)],
    );
  }
  const last = rows.length < found.length || found.length === atOnce ? rows.at(-1) : undefined;
  return { next: last ? last.fingerprint.toString('hex') : null, count: changed.length };
};

/** An answer's JSON, and the request of a task that stands alone; whose it is does not stand in it. */
const documentOf = ({ headers, body }: Answer): { value: unknown; requestId: string | null } | null => {
  if (body === null || !String(headers['content-type']).includes('json')) return null;
  const value: unknown = JSON.parse(body);
  const requestId =
    typeof value === 'object' && value !== null && 'requestId' in value ? value.requestId : null;
  return { value, requestId: typeof requestId === 'string' && isUuid(requestId) ? requestId : null };
};

/** Those of these requests that are the subject's own, as far as they are erased. */
const ownRequests = async (sql: Sql, subject: string, ids: readonly string[]): Promise<Set<string>> => {
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ id: string }>(
    'SELECT request_id AS id FROM erased_request WHERE request_id = ANY ($1::uuid[]) AND subject = $2 AND is_requester',
    [ids, subject],
  );
  return new Set(rows.map(({ id }) => id));
};
