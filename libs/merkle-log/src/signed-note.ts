import { sign, verify, type KeyObject } from 'node:crypto';
import { ED25519, isKeyName, keyId, parseVerifierKey } from './verifier-key';

const DASH = '—';
const KEY_ID_BYTES = 4;
// The limits of golang.org/x/mod/sumdb/note, the reference implementation.
const MAX_NOTE_CHARACTERS = 1_000_000;
const MAX_SIGNATURES = 100;

/**
 * - `malformed`: not a signed note
 * - `unverified`: no signature by the key
 * - `invalid_signature`: a signature that claims to be by the key and is not
 */
export type NoteErrorCode = 'malformed' | 'unverified' | 'invalid_signature';

export class NoteError extends Error {
  override readonly name = 'NoteError';

  constructor(
    readonly code: NoteErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A signature line, not verified. */
export interface NoteSignature {
  name: string;
  keyId: Buffer;
  /** What follows the key id. */
  signature: Buffer;
  /** The line itself, its newline included. */
  line: string;
}

export interface OpenedNote {
  /** The signed text, its final newline included. */
  body: string;
  /** Who else signed, unverified: name and key id in hex. */
  otherSignatures: { name: string; keyId: string }[];
}

/**
 * A c2sp.org/signed-note with one Ed25519 signature.
 * @param body ends with a newline; no other control characters
 */
export function signNote(body: string, keyName: string, privateKey: KeyObject): string {
  if (!isNoteText(body) || !body.endsWith('\n'))
    throw new NoteError('malformed', 'a note is text that ends with a newline');
  if (!isKeyName(keyName)) throw new NoteError('malformed', 'a key name has no white space and no "+"');
  const signature = sign(null, Buffer.from(body, 'utf8'), privateKey);
  return `${body}\n${signatureLine(keyName, Buffer.concat([keyId(keyName, privateKey), signature]))}`;
}

/** A signature as a line of a note. */
export function signatureLine(keyName: string, keyIdAndSignature: Buffer): string {
  if (!isKeyName(keyName)) throw new NoteError('malformed', 'a key name has no white space and no "+"');
  return `${DASH} ${keyName} ${keyIdAndSignature.toString('base64')}\n`;
}

/** The text of a note if the key signed it, else throws `NoteError`. Signatures by other keys are ignored, as the specification wants. */
export function openNote(note: string, verifierKeyText: string): OpenedNote {
  const key = parseVerifierKey(verifierKeyText);
  if (key.algorithm !== ED25519) throw new TypeError('not the key of a log');
  const { body, signatures } = readNote(note);
  const otherSignatures: OpenedNote['otherSignatures'] = [];
  let verified = false;
  for (const { name, keyId: id, signature } of signatures) {
    if (name !== key.name || !id.equals(key.keyId)) {
      otherSignatures.push({ name, keyId: id.toString('hex') });
      continue;
    }
    if (!verify(null, Buffer.from(body, 'utf8'), key.publicKey, signature)) {
      throw new NoteError('invalid_signature', `invalid signature by ${name}`);
    }
    verified = true;
  }
  if (!verified) throw new NoteError('unverified', `not signed by ${key.name}`);
  return { body, otherSignatures };
}

/** The parts of a note, nothing verified; throws `NoteError` when it is none. */
export function readNote(note: string): { body: string; signatures: NoteSignature[] } {
  const split = note.lastIndexOf('\n\n');
  if (note.length > MAX_NOTE_CHARACTERS || !isNoteText(note) || split < 0 || !note.endsWith('\n')) {
    throw new NoteError('malformed', 'not a signed note');
  }
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES)
    throw new NoteError('malformed', `more than ${MAX_SIGNATURES} signatures`);
  return { body: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ');
  const bytes = Buffer.from(encoded, 'base64');
  if (
    dash !== DASH ||
    rest.length > 0 ||
    !isKeyName(name) ||
    bytes.length <= KEY_ID_BYTES ||
    bytes.toString('base64') !== encoded
  ) {
    throw new NoteError('malformed', 'malformed signature line');
  }
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_BYTES),
    signature: bytes.subarray(KEY_ID_BYTES),
    line: `${line}\n`,
  };
}

function isNoteText(text: string): boolean {
  return !/\p{Cs}/u.test(text) && [...text].every((character) => character === '\n' || character >= ' ');
}
