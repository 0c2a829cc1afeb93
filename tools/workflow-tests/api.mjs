// @ts-check
import { UsageError } from './usage-error.mjs';

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} body parsed JSON, else null
 *
 * @typedef {(method: string, path: string, body?: unknown, type?: string) => Promise<Answer>} Api
 */

const TIMEOUT_MS = 60_000;
const MOST_TRIES = 5;

/**
 * Calls Countersign with one key. What is said to be tried later (429, 503) is tried again a few times.
 *
 * @param {{ url: string, apiKey: string }} options
 * @returns {Api} throws UsageError when nobody answers, or the key is refused
 */
export function connect({ url, apiKey }) {
  return async (method, path, body, type = 'application/json') => {
    for (let attempt = 1; ; attempt += 1) {
      const { answer, retryAfterS } = await once(method, path, body, type);
      if (attempt === MOST_TRIES || (answer.status !== 429 && answer.status !== 503)) return answer;
      await new Promise((resolve) => setTimeout(resolve, Math.min(30, retryAfterS ?? attempt) * 1_000));
    }
  };

  /** @param {string} method @param {string} path @param {unknown} body @param {string} type */
  async function once(method, path, body, type) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((/** @type {Error} */ error) => {
      const cause = error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
      throw new UsageError(`${url} does not answer: ${cause}`);
    });
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
    /** @type {Answer} */
    const answer = { status: response.status, body: isJson && text ? JSON.parse(text) : null };
    if (response.status === 401) throw new UsageError(`${url} does not know the key in COUNTERSIGN_API_KEY`);
    if (response.status === 403)
      throw new UsageError(`the key may not ${method} ${path}: ${problemOf(answer)}`);
    const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
    return { answer, retryAfterS: Number.isFinite(retryAfter) ? retryAfter : null };
  }
}

/**
 * What an answer complains of, in one line; the violations that it lists in lines of their own.
 *
 * @param {Answer} answer
 * @returns {string}
 */
export function problemOf({ status, body }) {
  if (body === null || typeof body !== 'object') return `status ${status}`;
  const errors = /** @type {{ pointer?: string, message?: string }[]} */ (body.errors ?? []);
  const what = body.detail ?? body.title ?? `status ${status}`;
  const code = body.code ? ` (${body.code})` : '';
  return [`${what}${code}`, ...errors.map(({ pointer, message }) => `  ${pointer || '/'}: ${message}`)].join(
    '\n',
  );
}
