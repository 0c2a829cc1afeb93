// @ts-check
import { Wrong } from './failure.mjs';

/**
 * Lines of NDJSON: ended by line feeds, and by nothing else. (A reader of lines may take U+2028, too, which stands in texts of JSON as
 * it is.)
 *
 * @param {AsyncIterable<Buffer>} input
 * @returns {AsyncGenerator<string>}
 * @throws {Wrong} for what is not UTF-8
 */
export async function* linesOf(input) {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 1;
  /** @param {Buffer | undefined} chunk */
  const decode = (chunk) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new Wrong(`line ${line} or behind it: not UTF-8`);
    }
  };
  /** @type {string[]} */
  let begun = [];
  for await (const chunk of input) {
    const [first = '', ...rest] = decode(chunk).split('\n');
    begun.push(first);
    for (const next of rest) {
      yield withoutReturn(begun.join(''));
      begun = [next];
      line += 1;
    }
  }
  begun.push(decode(undefined));
  const last = begun.join('');
  if (last !== '') yield withoutReturn(last);
}

/** @param {string} line */
const withoutReturn = (line) => (line.endsWith('\r') ? line.slice(0, -1) : line);
