// @ts-check
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';

/**
 * Countersign as `npm start` runs it, as a contestant: its directory, workflow and endpoint set up through the API.
 *
 * @param {{ url: string, adminKey: string }} system
 * @param {string} hookUrl
 * @returns {Promise<import('./lifecycle-driver.mjs').Contestant & { close: () => Promise<void> }>}
 */
export async function countersign({ url, adminKey }, hookUrl) {
  const agent = new Agent({ connections: 300, pipelining: 1 });
  const run = randomBytes(4).toString('hex');
  const manager = `manager-${run}@example.com`;
  const requester = `requester-${run}@example.com`;

  /**
   * @param {string} path
   * @param {unknown} body
   * @param {Record<string, string>} [headers]
   */
  const post = async (path, body, headers = {}) => {
    const answer = await request(`${url}${path}`, {
      method: 'POST',
      dispatcher: agent,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };

  const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
  const boss = await post('/scim/v2/Users', {
    schemas: [userSchema],
    userName: manager,
    displayName: 'Manager',
  });
  await post('/scim/v2/Users', {
    schemas: [userSchema, enterprise],
    userName: requester,
    displayName: 'Requester',
    [enterprise]: { manager: { value: boss.id } },
  });
  const workflow = `bench-${run}`;
  const { version } = await post('/v1/workflows', {
    key: workflow,
    subject: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
    stages: [
      { key: 'manager', when: 'payload.amount > 100', approvers: [{ manager: { levels: 1 } }] },
      { key: 'board', when: 'payload.amount > 1000000', approvers: [{ user: manager }] },
    ],
  });
  await post(`/v1/workflows/${workflow}/versions/${version}/publish`, {});
  await post('/v1/webhook-endpoints', {
    url: hookUrl,
    events: ['task.assigned', 'request.completed'],
    format: 'standard',
    workflows: [workflow],
  });

  return {
    name: 'countersign',
    async submit(index) {
      const payload = { amount: 500 + index };
      const { id } = await post('/v1/requests', { workflow, title: `Bench ${index}`, requester, payload });
      return id;
    },
    async decide(taskId) {
      await post(`/v1/tasks/${taskId}/decision`, { decision: 'approve' }, { 'countersign-actor': manager });
    },
    close: () => agent.close(),
  };
}
