/**
 * Why nothing was sent.
 * - `invalid_url`, `scheme_not_allowed`, `credentials_not_allowed`: the URL itself
 * - `address_not_allowed`: it leads to an address that is neither public nor in the allow list
 * - `invalid_request`: a header that HTTP cannot carry
 */
export type RefusalReason =
  | 'invalid_url'
  | 'scheme_not_allowed'
  | 'credentials_not_allowed'
  | 'address_not_allowed'
  | 'invalid_request';

/**
 * Why no complete response came.
 * - `timeout`: the time of the call was over, in whatever phase
 * - `dns`, `connect`, `tls`: no connection
 * - `reset`: the connection ended before the response did
 * - `protocol`: what came is not HTTP/1.1, or its headers are too large
 * - `aborted`: the caller's signal, or the client was closed
 */
export type FailureReason = 'timeout' | 'dns' | 'connect' | 'tls' | 'reset' | 'protocol' | 'aborted';

/** What came of a call. Latencies are milliseconds from the call on, the wait for a free connection included. */
export type OutboundResult =
  | {
      kind: 'response';
      status: number;
      /** Names in lower case; repeated ones joined by `, `. */
      headers: Record<string, string>;
      /** At most `maxResponseBytes`. */
      body: Buffer;
      /** There was more of the body; it was not read. */
      truncated: boolean;
      latencyMs: number;
    }
  | { kind: 'refused'; reason: RefusalReason; detail: string }
  | {
      kind: 'failed';
      reason: FailureReason;
      detail: string;
      latencyMs: number;
      /** Of a response whose body did not come to its end. */
      status?: number;
    };
