import { signature } from './signature-scheme';
import { signedContent } from './signed-content';

export type WebhookHeaders = {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
};

export interface SignInput {
  /** The event's id: the same for every attempt. Printable ASCII without a full stop, which separates what is signed. */
  id: string;
  /** When this attempt is made; a number is Unix seconds. */
  timestamp: Date | number;
  /** Exactly the bytes that are sent. */
  body: string | Uint8Array;
  /** All secrets in force, the newest first: during a rotation the receiver may still know only the older. */
  secrets: readonly string[];
}

// Unix milliseconds of any date after 1973 are above this, seconds of any date before 5138 below.
const LATEST_SECONDS = 100_000_000_000;

/** The three headers of Standard Webhooks. Throws `RangeError` or `TypeError` for input that could not be verified. */
export function signHeaders({ id, timestamp, body, secrets }: SignInput): WebhookHeaders {
  if (!/^[!-~]+$/.test(id) || id.includes('.'))
    throw new TypeError('a webhook id is printable ASCII without "."');
  if (secrets.length === 0) throw new TypeError('at least one secret is needed');
  const seconds = unixSeconds(timestamp);
  const content = signedContent(id, seconds, body);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map((secret) => signature(secret, content)).join(' '),
  };
}

function unixSeconds(timestamp: Date | number): number {
  const seconds = typeof timestamp === 'number' ? timestamp : Math.floor(timestamp.getTime() / 1000);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds >= LATEST_SECONDS) {
    throw new RangeError('a webhook timestamp is a date or whole Unix seconds');
  }
  return seconds;
}
