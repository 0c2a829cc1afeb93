import type { Answer } from '../http/answer';

const plain = 0;

/** An answer as it is kept for repeated calls, where it holds no secret. */
export const packPlainAnswer = (answer: Answer): Buffer =>
  Buffer.concat([Buffer.of(plain), Buffer.from(JSON.stringify(answer))]);

/** Reverses `packPlainAnswer`; null for an answer that is encrypted. */
export const openPlainAnswer = (packed: Buffer): Answer | null =>
  packed[0] === plain ? (JSON.parse(packed.toString('utf8', 1)) as Answer) : null;
