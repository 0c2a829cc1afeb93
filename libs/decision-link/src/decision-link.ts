import { createHmac, timingSafeEqual } from 'node:crypto';

/** The right to answer one task, once, as one person, until a time. */
export interface DecisionLink {
  /** Of this link alone: what it can be used for once. UUID. */
  id: string;
  workspaceId: string;
  taskId: string;
  personId: string;
  /** Of the request, as the message showed it. */
  version: number;
  /** To the second. */
  expiresAt: Date;
}

/*
 * format (1) ‖ link (16) ‖ workspace (16) ‖ task (16) ‖ person (16) ‖ request's version (4) ‖ expiry in seconds since 1970 (4) ‖
 * HMAC-SHA256 of all that (32): 105 bytes, which base64url writes without a spare bit, so that a link has one spelling.
 */
const format = 1;
const idBytes = 16;
const numbersAt = 1 + 4 * idBytes;
const macAt = numbersAt + 8;
const spelling = /^[A-Za-z0-9_-]{140}$/;

const packed = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

const unpacked = (bytes: Buffer, place: number): string => {
  const hex = bytes.toString('hex', 1 + place * idBytes, 1 + (place + 1) * idBytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/** Makes and reads the tokens of links. Whoever holds a token may answer the task; it is never stored or logged. */
export class DecisionLinkTokens {
  /** @param key 32 bytes, of this purpose alone; throws RangeError for another length */
  constructor(private readonly key: Uint8Array) {
    if (key.length !== 32) throw new RangeError('the key of decision links must have 32 bytes');
  }

  /** 140 characters of base64url. */
  tokenOf({ id, workspaceId, taskId, personId, version, expiresAt }: DecisionLink): string {
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32BE(version, 0);
    numbers.writeUInt32BE(Math.floor(expiresAt.getTime() / 1_000), 4);
    const content = Buffer.concat([
      Buffer.of(format),
      ...[id, workspaceId, taskId, personId].map(packed),
      numbers,
    ]);
    return Buffer.concat([content, this.mac(content)]).toString('base64url');
  }

  /** The link that a token is, also when it has expired; null for what is malformed or not ours. */
  read(token: string): DecisionLink | null {
    if (!spelling.test(token)) return null;
    const bytes = Buffer.from(token, 'base64url');
    const content = bytes.subarray(0, macAt);
    if (!timingSafeEqual(bytes.subarray(macAt), this.mac(content)) || content[0] !== format) return null;
    return {
      id: unpacked(content, 0),
      workspaceId: unpacked(content, 1),
      taskId: unpacked(content, 2),
      personId: unpacked(content, 3),
      version: content.readUInt32BE(numbersAt),
      expiresAt: new Date(content.readUInt32BE(numbersAt + 4) * 1_000),
    };
  }

  private mac(content: Uint8Array): Buffer {
    return createHmac('sha256', this.key).update(content).digest();
  }
}
