import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json';

/** Personal data of one subject, by commitment only: the leaf stays provable after salt and data are erased. */
export interface SealedCommitment {
  subject: string;
  kind: string;
  /** From `commitment`. */
  commitment: string;
}

/** What a leaf of the audit log says. `content` holds ids, states, codes and hashes, never names or free text. */
export interface AuditLeaf {
  id: string;
  type: string;
  /** RFC 3339 in UTC with milliseconds. */
  at: string;
  requestId: string | null;
  requestVersion: number | null;
  content: unknown;
  sealed: readonly SealedCommitment[];
}

/** base64 of SHA-256(salt ‖ RFC 8785 JSON of data). The salt must be random, secret until disclosed, and used once. */
export function commitment(salt: Uint8Array, data: unknown): string {
  if (salt.length < 16) throw new RangeError('a commitment needs a salt of 16 bytes or more');
  return createHash('sha256').update(salt).update(canonicalJson(data), 'utf8').digest('base64');
}

/**
 * The bytes that `leafHash` takes: RFC 8785 JSON (UTF-8) with `v: 1` and exactly the members of `AuditLeaf`;
 * further properties of the argument, salts above all, do not get in. Final: a change of these bytes
 * would break every proof given out, so another form needs another `v`.
 */
export function leafBytes({ id, type, at, requestId, requestVersion, content, sealed }: AuditLeaf): Buffer {
  const leaf = {
    v: 1,
    id,
    type,
    at,
    requestId: requestId ?? null,
    requestVersion: requestVersion ?? null,
    content: content ?? null,
    sealed: sealed.map(({ subject, kind, commitment: digest }) => ({ subject, kind, commitment: digest })),
  };
  return Buffer.from(canonicalJson(leaf), 'utf8');
}
