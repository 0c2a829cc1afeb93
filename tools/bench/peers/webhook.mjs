// @ts-check
import { Agent, request } from 'undici';

const agent = new Agent({ connections: 300 });

/** @param {string} hook @param {string} id @param {string} taskId */
export const tellAssigned = (hook, id, taskId) =>
  tell(hook, { type: 'task.assigned', data: { request: { id }, task: { id: taskId } } });

/** @param {string} hook @param {string} id */
export const tellCompleted = (hook, id) =>
  tell(hook, { type: 'request.completed', data: { request: { id } } });

/**
 * @param {string} hook
 * @param {unknown} body
 * @throws when the receiver does not answer 2xx, so that whoever runs it tries again
 */
async function tell(hook, body) {
  const answer = await request(hook, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.body.dump();
  if (answer.statusCode >= 300) throw new Error(`${hook} answered ${answer.statusCode}`);
}
