import { isSigned } from './signature-scheme';
import { signedContent } from './signed-content';

export interface VerifyInput {
  /** Header names in any case, as `node:http` or `Headers` entries give them. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body exactly as received. */
  body: string | Uint8Array;
  /** `whsec_…`, or for Ed25519 the sender's public key `whpk_…`. */
  secrets: readonly string[];
  now?: Date;
  /** How far the timestamp may be from `now`, either way; Standard Webhooks suggests five minutes. */
  toleranceSeconds?: number;
}

export type Verification =
  | { valid: true; id: string; timestamp: Date }
  | {
      valid: false;
      reason: 'missing_header' | 'malformed_timestamp' | 'too_old' | 'too_new' | 'no_matching_signature';
    };

/** Checks a webhook as its receiver does. Throws `TypeError` only for a malformed secret of our own. */
export function verify({
  headers,
  body,
  secrets,
  now = new Date(),
  toleranceSeconds = 300,
}: VerifyInput): Verification {
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature');
  if (!id || !timestamp || !signatures) return { valid: false, reason: 'missing_header' };
  if (!/^\d{1,12}$/.test(timestamp)) return { valid: false, reason: 'malformed_timestamp' };

  const age = Math.floor(now.getTime() / 1000) - Number(timestamp);
  if (age > toleranceSeconds) return { valid: false, reason: 'too_old' };
  if (age < -toleranceSeconds) return { valid: false, reason: 'too_new' };

  const content = signedContent(id, timestamp, body);
  const given = signatures.split(' ');
  if (!secrets.some((secret) => isSigned(secret, content, given)))
    return { valid: false, reason: 'no_matching_signature' };
  return { valid: true, id, timestamp: new Date(Number(timestamp) * 1000) };
}

function header(headers: VerifyInput['headers'], name: string): string | undefined {
  const entry = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return Array.isArray(entry) ? entry.join(' ') : entry;
}
