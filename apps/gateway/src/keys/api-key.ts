import { createHash, randomBytes } from 'node:crypto';

export type WorkspaceKind = 'live' | 'sandbox';

const prefixOf = { live: 'cs_live_', sandbox: 'cs_test_' } as const satisfies Record<WorkspaceKind, string>;

/** A new API key: 256 random bits, and a prefix that tells people, and secret scanners, what it is. */
export const newApiKey = (kind: WorkspaceKind): string =>
  `${prefixOf[kind]}${randomBytes(32).toString('base64url')}`;

/** What is stored of a key. It has 256 random bits, so nothing slower than SHA-256 is needed. */
export const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();
