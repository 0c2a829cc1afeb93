/** The signed head of a log, c2sp.org/tlog-checkpoint. */
export interface Checkpoint {
  /** Names the log; also the name of the key that signs it. */
  origin: string;
  size: bigint;
  root: Buffer;
}

/** The note text of a checkpoint, for `signNote`. */
export function checkpointBody(origin: string, size: bigint | number, root: Uint8Array): string {
  if (origin === '' || /[\p{Cc}\s+]/u.test(origin))
    throw new TypeError('an origin has no white space and no "+"');
  if (typeof size === 'number' ? !Number.isSafeInteger(size) || size < 0 : size < 0n) {
    throw new RangeError('a log size is a whole number from 0');
  }
  if (root.length !== 32) throw new RangeError('a root hash has 32 bytes');
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
}

/** Reads the text of an opened checkpoint note, extension lines ignored; throws `TypeError` when it is not one. */
export function parseCheckpoint(body: string): Checkpoint {
  const [origin, size, encoded, ...extensions] = body.split('\n');
  const root = Buffer.from(encoded ?? '', 'base64');
  const complete =
    extensions.length > 0 && extensions.at(-1) === '' && extensions.slice(0, -1).every((line) => line !== '');
  if (
    !origin ||
    !size ||
    !/^(0|[1-9]\d{0,18})$/.test(size) ||
    root.length !== 32 ||
    root.toString('base64') !== encoded ||
    !complete
  ) {
    throw new TypeError('not a checkpoint');
  }
  return { origin, size: BigInt(size), root };
}
