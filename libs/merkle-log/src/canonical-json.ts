import canonicalize from 'canonicalize';

/**
 * RFC 8785 (JSON Canonicalization Scheme) text of a JSON value. Members that are `undefined` are left out.
 * Throws `TypeError` for what JSON cannot say: NaN, infinities, bigint, functions, lone surrogates, cycles.
 */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw new TypeError('not a JSON value', { cause: error });
  }
  if (text === undefined) throw new TypeError('not a JSON value');
  // RFC 8785 section 3.2.2.2 forbids lone surrogates; JSON.stringify writes them, and only them, as \ud8xx to \udfxx.
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) throw new TypeError('not a JSON value: lone surrogate');
  return text;
}
