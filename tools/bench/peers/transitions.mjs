// @ts-check
import {
  appendAudit,
  approveTask,
  completeRequest,
  insertRequest,
  insertTask,
  managerOf,
  REQUESTER,
} from './store.mjs';

/**
 * The three transitions of a lifecycle, one commit each as on the floor. A durable engine runs each as one step:
 * the fewest that still let it be seen, and resumed, where a request is.
 *
 * @typedef {import('./store.mjs').Store} Store
 */

/** @param {number} amount */
export const needsApproval = (amount) => amount > 100;

/** @param {string} id of the request */
export const taskOf = (id) => `${id}.1`;

/** @param {string} taskId */
export const requestOf = (taskId) => taskId.slice(0, taskId.indexOf('.'));

/** @param {Store} store @param {{ id: string, amount: number, hook: string }} request */
export function persist(store, request) {
  return store.transaction(async (client) => {
    await insertRequest(client, request);
    await appendAudit(client, request.id, 'request.created');
  });
}

/** @param {Store} store @param {{ id: string, taskId: string }} task */
export function assign(store, { id, taskId }) {
  return store.transaction(async (client) => {
    const approver = await managerOf(client, REQUESTER);
    await insertTask(client, { id, taskId, approver });
    await appendAudit(client, id, 'task.assigned');
  });
}

/** @param {Store} store @param {{ id: string, taskId: string }} task */
export function complete(store, { id, taskId }) {
  return store.transaction(async (client) => {
    await approveTask(client, taskId);
    await completeRequest(client, id);
    await appendAudit(client, id, 'request.completed');
  });
}
