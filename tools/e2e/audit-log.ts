import {
  commitment,
  leafBytes,
  leafHash,
  openNote,
  parseCheckpoint,
  rootOfLeaves,
  type Checkpoint,
  type SealedCommitment,
} from '@countersign/merkle-log';
import { expectStatus, type HttpClient, type Page } from './http-client';

export interface AuditEntry {
  index: number;
  id: string;
  type: string;
  at: string;
  requestId: string | null;
  requestVersion: number | null;
  content: unknown;
  sealed: (SealedCommitment & { salt: string | null; data: unknown })[];
  /** base64 */
  leafHash: string;
}

/** The whole log, oldest first. */
export async function auditEntries(client: HttpClient, filter = ''): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `?limit=200${filter}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
    const page: Page<AuditEntry> = expectStatus(
      await client.get<Page<AuditEntry>>(`/v1/audit/entries${query}`),
      200,
    );
    entries.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor);
  return entries;
}

/** The leaf hash, worked out from what the entry says. */
export const recomputedLeafHash = (entry: AuditEntry): string =>
  leafHash(leafBytes(entry)).toString('base64');

/** The commitments of an entry, worked out from the salts and data that it discloses. */
export const recomputedCommitments = ({ sealed }: AuditEntry): string[] =>
  sealed.map(({ salt, data }) => commitment(Buffer.from(salt ?? '', 'base64'), data));

/** The newest checkpoint, its signature checked against the verifier key. */
export async function verifiedCheckpoint(client: HttpClient): Promise<Checkpoint> {
  const key = await client.get('/v1/audit/verifier-key');
  const note = await client.get('/v1/audit/checkpoint');
  expectStatus(key, 200);
  expectStatus(note, 200);
  return parseCheckpoint(openNote(note.text, key.text.trim()).body);
}

/** The RFC 6962 root over the entries, base64. */
export const rootOver = (entries: readonly AuditEntry[]): string =>
  rootOfLeaves(entries.map((entry) => leafHash(leafBytes(entry)))).toString('base64');
