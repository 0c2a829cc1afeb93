// @ts-check
import { createHash, createPublicKey, verify } from 'node:crypto';
import { Unable, Wrong } from './failure.mjs';

/** Key types of c2sp.org/signed-note and c2sp.org/tlog-cosignature. */
const LOG = 1;
const WITNESS = 4;

/**
 * @typedef {{ name: string, type: number, id: Buffer, key: import('node:crypto').KeyObject }} Key
 * @typedef {{ body: string, signatures: { name: string, id: Buffer, bytes: Buffer }[] }} Note
 * @typedef {{ origin: string, size: bigint, root: Buffer, note: Note }} Checkpoint
 */

/** @param {string} text `name+id+key` @returns {Key} @throws {Unable} */
export function readKey(text) {
  const [, name = '', id = '', encoded = ''] =
    /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim()) ?? [];
  const typed = Buffer.from(encoded, 'base64');
  const computed = createHash('sha256').update(`${name}\n`).update(typed).digest().subarray(0, 4);
  if (typed.length !== 33 || computed.toString('hex') !== id)
    throw new Unable(`not a verifier key: ${text.trim().slice(0, 100)}`);
  const x = typed.subarray(1).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return { name, type: typed.readUInt8(), id: computed, key };
}

/** @param {string} text @returns {Key} @throws {Unable} */
export function readLogKey(text) {
  const key = readKey(text);
  if (key.type !== LOG) throw new Unable(`the key of ${key.name} is not that of a log`);
  return key;
}

/** @param {string} text @returns {Key} @throws {Unable} */
export function readWitnessKey(text) {
  const key = readKey(text);
  if (key.type !== WITNESS)
    throw new Unable(`the key of ${key.name} is not that of a witness (cosignature/v1)`);
  return key;
}

/** @param {string} text @returns {Note} @throws {Wrong} */
function readNote(text) {
  const split = text.lastIndexOf('\n\n');
  if (split < 0 || !text.endsWith('\n')) throw new Wrong('not a signed note');
  const signatures = text
    .slice(split + 2, -1)
    .split('\n')
    .map((line) => {
      const [, name = '', encoded = ''] = /^— ([^+\s]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
      const bytes = Buffer.from(encoded, 'base64');
      if (bytes.length < 5) throw new Wrong('a malformed signature line');
      return { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
    });
  return { body: text.slice(0, split + 1), signatures };
}

/**
 * The text of a checkpoint: as it is, or from the headers of an export (those of the last answer, when one has led to another).
 *
 * @param {string} text
 */
export function checkpointIn(text) {
  if (!/^HTTP\/\d/.test(text)) return text;
  const encoded = [...text.matchAll(/^countersign-checkpoint:[ \t]*([A-Za-z0-9+/=]+)[ \t]*\r?$/gim)].at(
    -1,
  )?.[1];
  if (encoded === undefined)
    throw new Unable('these headers have no Countersign-Checkpoint: they are not those of an export');
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/**
 * A checkpoint (c2sp.org/tlog-checkpoint) that the log has signed.
 *
 * @param {string} text
 * @param {Key} key
 * @returns {Checkpoint}
 * @throws {Wrong}
 */
export function openCheckpoint(text, key) {
  const note = readNote(text);
  const own = note.signatures.filter(({ name, id }) => name === key.name && id.equals(key.id));
  if (own.length === 0) throw new Wrong(`the checkpoint is not signed by ${key.name}`);
  if (!own.every(({ bytes }) => verify(null, Buffer.from(note.body), key.key, bytes)))
    throw new Wrong(`the signature of ${key.name} on the checkpoint is not valid`);
  const [origin = '', size = '', root = '', ...rest] = note.body.split('\n');
  const bytes = Buffer.from(root, 'base64');
  if (
    !/^(0|[1-9]\d*)$/.test(size) ||
    bytes.length !== 32 ||
    bytes.toString('base64') !== root ||
    rest.length === 0
  )
    throw new Wrong('what is signed is not a checkpoint');
  if (origin !== key.name) throw new Wrong(`the checkpoint is of ${origin}, not of ${key.name}`);
  return { origin, size: BigInt(size), root: bytes, note };
}

/**
 * Who of these witnesses has cosigned, and when (c2sp.org/tlog-cosignature).
 *
 * @param {Checkpoint} checkpoint
 * @param {readonly Key[]} witnesses
 * @returns {{ name: string, at: Date }[]}
 * @throws {Wrong} for one that is not valid
 */
export function cosigners({ note }, witnesses) {
  return witnesses.flatMap((witness) =>
    note.signatures
      .filter(({ name, id }) => name === witness.name && id.equals(witness.id))
      .map(({ bytes }) => {
        const time = bytes.length === 72 ? bytes.readBigUInt64BE() : -1n;
        const message = Buffer.from(`cosignature/v1\ntime ${time}\n${note.body}`);
        if (time < 0n || !verify(null, message, witness.key, bytes.subarray(8)))
          throw new Wrong(`the cosignature of ${witness.name} is not valid`);
        return { name: witness.name, at: new Date(Number(time) * 1_000) };
      }),
  );
}
