// @ts-check
import { Agent, request } from 'undici';

/**
 * Posts JSON over kept-alive connections, as many as there are calls in flight.
 *
 * @typedef {object} JsonCaller
 * @property {(path: string, body: unknown, headers?: Record<string, string>) => Promise<any>} post
 * @property {() => Promise<void>} close cuts what is in flight
 *
 * @param {string} origin
 * @param {Record<string, string>} [always] headers of every call
 * @returns {JsonCaller}
 */
export function jsonCaller(origin, always = {}) {
  const agent = new Agent({ connections: 300, pipelining: 1 });
  return {
    async post(path, body, headers = {}) {
      const answer = await request(`${origin}${path}`, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', ...always, ...headers },
        body: JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
      return text === '' ? null : JSON.parse(text);
    },
    close: () => agent.destroy(),
  };
}
