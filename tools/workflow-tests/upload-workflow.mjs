// @ts-check
import { problemOf } from './api.mjs';

/**
 * The version of a workflow that has this text: the newest one if it does, else a new draft.
 *
 * @param {import('./api.mjs').Api} api
 * @param {{ key: string, text: string }} workflow
 * @returns {Promise<{ version: number, isNew: boolean } | { problem: string }>}
 */
export async function uploadWorkflow(api, { key, text }) {
  const versions = await api('GET', `/v1/workflows/${encodeURIComponent(key)}/versions?limit=1`);
  if (versions.status !== 200 && versions.status !== 404) return { problem: problemOf(versions) };
  const newest = versions.status === 200 ? versions.body.data[0] : undefined;
  if (newest?.text === text) return { version: newest.version, isNew: false };
  const draft = await api('POST', '/v1/workflows', text, 'application/yaml');
  if (draft.status !== 201) return { problem: problemOf(draft) };
  return { version: draft.body.version, isNew: true };
}
