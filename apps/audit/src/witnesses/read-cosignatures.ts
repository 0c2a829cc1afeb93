import {
  NoteError,
  openCosignature,
  openNote,
  parseCheckpoint,
  parseVerifierKey,
  readNote,
  type Checkpoint,
} from '@countersign/merkle-log';
import { Problem } from '@countersign/service-kit';
import type { StoredCosignature, Witness } from './witness.rows';

/** Clocks differ. */
const mostAheadSeconds = 300;

export interface Cosigned {
  checkpoint: Checkpoint;
  /** The checkpoint as the log signed it, without what others have signed. */
  note: string;
  cosignatures: StoredCosignature[];
}

/**
 * A checkpoint of ours with the lines that witnesses have answered. Lines of others are passed over, as
 * C2SP tlog-witness wants. Throws Problem validation_failed for what is no such note, has a wrong signature, or none
 * of a witness of ours.
 */
export const readCosignatures = (
  text: string,
  logKey: string,
  witnesses: readonly Witness[],
  now: Date,
): Cosigned => {
  try {
    const { body } = openNote(text, logKey);
    const checkpoint = parseCheckpoint(body);
    const { signatures } = readNote(text);
    const keys = witnesses.map(({ id, verifierKey }) => ({ id, key: parseVerifierKey(verifierKey) }));
    const cosignatures = new Map<string, StoredCosignature>();
    const early: string[] = [];
    for (const signature of signatures) {
      for (const { id, key } of keys) {
        const opened = openCosignature(body, signature, key);
        if (!opened) continue;
        const ahead = Number(opened.timestamp) - now.getTime() / 1_000;
        if (ahead > mostAheadSeconds) early.push(`${signature.name} is ${Math.ceil(ahead)} s`);
        else cosignatures.set(id, { witnessId: id, timestamp: opened.timestamp, line: signature.line });
      }
    }
    if (cosignatures.size === 0 && early.length > 0)
      throw invalid(
        `A cosignature from the future is not taken: ${early.join(', ')} ahead of this clock, and ${mostAheadSeconds} s are tolerated.`,
      );
    if (cosignatures.size === 0)
      throw invalid('The note has no signature of a witness that is registered here.');
    const own = signatures.filter(({ name }) => logKey.startsWith(`${name}+`)).map(({ line }) => line);
    return { checkpoint, note: `${body}\n${own.join('')}`, cosignatures: [...cosignatures.values()] };
  } catch (error) {
    if (error instanceof NoteError || error instanceof TypeError)
      throw invalid(`This is not a cosigned checkpoint of this log: ${error.message}.`);
    throw error;
  }
};

export const invalid = (message: string): Problem => Problem.invalid([{ pointer: '', message }]);
