// @ts-check
import { jsonCaller } from './json-caller.mjs';

/**
 * The lifecycle of a contestant that takes `POST /requests` and `POST /tasks/<id>`.
 *
 * @param {string} url
 * @param {import('../clean-ups.mjs').CleanUps} cleanUps
 * @returns {Pick<import('../lifecycle-driver.mjs').Contestant, 'submit' | 'decide'>}
 */
export function lifecycleAt(url, cleanUps) {
  const { post, close } = jsonCaller(url);
  cleanUps.add(close);
  return {
    submit: async (index, hook) => (await post('/requests', { amount: 500 + index, hook })).id,
    decide: async (taskId) => void (await post(`/tasks/${taskId}`, {})),
  };
}
