import { createHash, createPublicKey, verify } from 'node:crypto';
import canonicalize from 'canonicalize';

/*
 * What an auditor would write from product §3 and the C2SP and RFC texts alone: nothing of ours is imported, so that a
 * mistake in our library cannot hide itself.
 */

export interface ApiEntry {
  index: number;
  id: string;
  type: string;
  at: string;
  requestId: string | null;
  requestVersion: number | null;
  content: Record<string, unknown>;
  sealed: { subject: string; kind: string; salt: string | null; data: unknown; commitment: string }[];
  leafHash: string;
}

const sha256 = (...parts: (Buffer | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const canonical = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('not JSON');
  return text;
};

/** base64 of the leaf's hash, from what the API shows of the entry (product §3). */
export const leafHashOf = ({
  id,
  type,
  at,
  requestId,
  requestVersion,
  content,
  sealed,
}: ApiEntry): string => {
  const leaf = {
    v: 1,
    id,
    type,
    at,
    requestId,
    requestVersion,
    content,
    sealed: sealed.map(({ subject, kind, commitment }) => ({ subject, kind, commitment })),
  };
  return sha256(Buffer.of(0), canonical(leaf)).toString('base64');
};

export const commitmentOf = (salt: string, data: unknown): string =>
  sha256(Buffer.from(salt, 'base64'), canonical(data)).toString('base64');

/** RFC 6962 §2.1, by its recursive definition. */
export const rootOf = (leafHashes: readonly Buffer[]): Buffer => {
  const [first] = leafHashes;
  if (!first) return sha256();
  if (leafHashes.length === 1) return first;
  let split = 1;
  while (split * 2 < leafHashes.length) split *= 2;
  return sha256(Buffer.of(1), rootOf(leafHashes.slice(0, split)), rootOf(leafHashes.slice(split)));
};

/** Checks the signature of a signed note (c2sp.org/signed-note) and reads its checkpoint (c2sp.org/tlog-checkpoint). */
export const openCheckpoint = (
  note: string,
  verifierKey: string,
): { origin: string; size: number; root: string } => {
  const [name = '', id = '', encoded = ''] = verifierKey.trim().split(/\+(.{8})\+(.*)/);
  const typed = Buffer.from(encoded, 'base64');
  const publicKey = typed.subarray(1);
  const keyId = sha256(`${name}\n`, typed).subarray(0, 4);
  if (typed[0] !== 1 || keyId.toString('hex') !== id) throw new Error('not the id of this key');
  const [body = '', signature = ''] = note.split('\n\n');
  const [, signer, blob = ''] = /^— (\S+) (\S+)\n$/.exec(signature) ?? [];
  const bytes = Buffer.from(blob, 'base64');
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') },
    format: 'jwk',
  });
  const isSigned =
    signer === name &&
    bytes.subarray(0, 4).equals(keyId) &&
    verify(null, Buffer.from(`${body}\n`), key, bytes.subarray(4));
  if (!isSigned) throw new Error('not signed by this key');
  const [origin = '', size = '', root = ''] = body.split('\n');
  return { origin, size: Number(size), root };
};
