import type { Sql } from '@countersign/persistence';
import { namesOf, redact } from '@countersign/redaction';

/** Stands for everybody, where the time of a whole request is over. */
export const everybody = '00000000-0000-0000-0000-000000000000';

export interface ErasedRequest {
  requestId: string;
  /** User id, or `everybody`. */
  subject: string;
  isRequester: boolean;
}

/** What is erased of some requests, for whoever is about to store something that may have been under way before. */
export class ErasedRequests {
  private readonly byRequest = new Map<string, ErasedRequest[]>();

  constructor(erased: readonly ErasedRequest[]) {
    for (const one of erased)
      this.byRequest.set(one.requestId, [...(this.byRequest.get(one.requestId) ?? []), one]);
  }

  of(requestId: string): readonly ErasedRequest[] {
    return this.byRequest.get(requestId) ?? [];
  }

  /** Whether all is erased that the request says. */
  isWhole(requestId: string): boolean {
    return this.of(requestId).some(({ subject, isRequester }) => isRequester || subject === everybody);
  }

  /** A document about a request without what is erased of it; mostly the document itself. */
  redact<T>(requestId: string, document: T): T {
    return this.of(requestId).reduce(
      (before, { subject, isRequester }) =>
        subject === everybody
          ? redact(before, { subject: null, isRequester: true, names: [] })
          : redact(before, { subject, isRequester, names: namesOf([before], subject) }),
      document,
    );
  }

  /** A payload of a request, given what may say what somebody is called. */
  payload(requestId: string, known: unknown, payload: unknown): unknown {
    return this.of(requestId).reduce<unknown>(
      (before, { subject, isRequester }) =>
        isRequester || subject === everybody
          ? null
          : redact(before, { subject, isRequester, names: namesOf([known], subject) }),
      payload ?? null,
    );
  }
}

/**
 * What is erased of these requests. To be asked in the transaction that stores something about them, and only after that has
 * written something: an erasure waits for transactions that have, and finds what they leave.
 */
export const readErasedRequests = async (sql: Sql, requestIds: readonly string[]): Promise<ErasedRequests> =>
  new ErasedRequests(
    await sql.query<ErasedRequest & Record<string, unknown>>(
      `SELECT request_id AS "requestId", subject, is_requester AS "isRequester" FROM erased_request
        WHERE request_id = ANY ($1::uuid[])`,
      [[...new Set(requestIds)]],
    ),
  );
