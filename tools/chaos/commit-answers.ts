/** Type and length, as every message begins (PostgreSQL documentation, "Message Formats"). */
const headerBytes = 5;
const commandComplete = 'C'.charCodeAt(0);
const commitTag = Buffer.from('COMMIT\0');
const refusedEncryption = 'N'.charCodeAt(0);

export interface Piece {
  bytes: Buffer;
  /** Whether it is the whole CommandComplete message by which the server says that it has committed, and nothing else. */
  isCommit: boolean;
}

/**
 * Finds the answers to COMMIT in what a PostgreSQL server sends on one connection, protocol 3. Of an unfinished message
 * that may be one nothing is given before its end; everything else goes through as it comes. Plain text only.
 */
export class CommitAnswers {
  private held: Buffer = Buffer.alloc(0);
  /** Bytes still to come of a message that is passed on. */
  private missing = 0;
  private hasBegun = false;

  /** The bytes given so far and not held back, in their order. Throws when they are not the protocol's. */
  split(chunk: Buffer): Piece[] {
    const bytes = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    const pieces: Piece[] = [];
    let passed = 0;
    const pass = (until: number, isCommit: boolean) => {
      if (until > passed) pieces.push({ bytes: bytes.subarray(passed, until), isCommit });
      passed = until;
    };
    let at = this.answersBeforeStart(bytes);
    while (at < bytes.length) {
      if (this.missing > 0) {
        const here = Math.min(this.missing, bytes.length - at);
        this.missing -= here;
        at += here;
        continue;
      }
      if (bytes.length - at < headerBytes) break;
      const length = 1 + bytes.readInt32BE(at + 1);
      if (length < headerBytes) throw new Error('this is not the protocol of PostgreSQL');
      if (bytes[at] !== commandComplete) {
        this.missing = length;
        continue;
      }
      if (bytes.length - at < length) break;
      const isCommit = bytes.subarray(at + headerBytes, at + length).equals(commitTag);
      if (isCommit) pass(at, false);
      at += length;
      if (isCommit) pass(at, true);
    }
    pass(at, false);
    this.held = bytes.subarray(at);
    return pieces;
  }

  /** A request for encryption is answered by one byte without a header, before anything else. */
  private answersBeforeStart(bytes: Buffer): number {
    if (this.hasBegun) return 0;
    let at = 0;
    while (bytes[at] === refusedEncryption) at++;
    if (at < bytes.length) {
      // A server speaks first of authentication (R), of its version (v), or of an error (E).
      if (!'RvE'.includes(String.fromCharCode(bytes[at] ?? 0)))
        throw new Error('an encrypted connection cannot be read');
      this.hasBegun = true;
    }
    return at;
  }
}
