// @ts-check

/**
 * RFC 8785 (JSON Canonicalization Scheme) text of a value that came out of JSON.parse: members in the order of their UTF-16
 * code units, numbers and strings as ECMAScript writes them (section 3.2.2).
 *
 * @param {unknown} value
 * @returns {string}
 * @throws {TypeError} for a text that is no Unicode
 */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = /** @type {Record<string, unknown>} */ (value);
    const names = Object.keys(members).sort();
    return `{${names.map((name) => `${text(name)}:${canonicalJson(members[name])}`).join(',')}}`;
  }
  return typeof value === 'string' ? text(value) : JSON.stringify(value);
}

/** @param {string} value */
function text(value) {
  if (/\p{Cs}/u.test(value)) throw new TypeError('a text with half of a surrogate pair');
  return JSON.stringify(value);
}
