// @ts-check
import { randomBytes } from 'node:crypto';
import { freePort } from '../../servers/free-port.mjs';
import { startSystem } from '../../up/system.mjs';
import { jsonCaller } from './json-caller.mjs';

/**
 * Starts Countersign as `npm start` does: its own servers, every service a process, the production build.
 *
 * @param {object} options
 * @param {string} options.root
 * @param {string} options.dataDir
 * @param {string} options.hookUrl
 * @param {AbortSignal} options.signal
 * @param {import('../clean-ups.mjs').CleanUps} options.cleanUps
 * @param {(line: string) => void} options.log
 * @returns {Promise<{ system: import('../../up/system.mjs').System, ours: import('./enter.mjs').Entrant }>}
 */
export async function enterCountersign({ root, dataDir, hookUrl, signal, cleanUps, log }) {
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...process.env,
    COUNTERSIGN_ADMIN_KEY: `cs_live_${'bench'.repeat(9).slice(0, 43)}`,
    COUNTERSIGN_RATE_LIMIT: '100000',
  };
  // Its own servers, whatever the environment names: every contestant's database is made there.
  delete env.DATABASE_URL;
  delete env.REDIS_URL;
  const system = await startSystem({ root, dataDir, port: await freePort(), env, signal, log });
  cleanUps.add(system.stop);
  const { close, ...lifecycle } = await countersign(
    { url: system.url, adminKey: system.adminKey ?? '' },
    hookUrl,
  );
  cleanUps.add(close);
  const ours = {
    ...lifecycle,
    database: system.databaseUrl,
    redisUrl: system.redisUrl,
    processes: () => ({
      ...Object.fromEntries(Object.entries(system.services).map(([name, { pid }]) => [name, pid])),
      redis: system.redis?.pid,
    }),
    leave: async () => undefined,
  };
  return { system, ours };
}

/**
 * The lifecycle through Countersign's API: its directory, workflow and endpoint are set up through it, too.
 *
 * @param {{ url: string, adminKey: string }} system
 * @param {string} hookUrl
 * @returns {Promise<import('../lifecycle-driver.mjs').Contestant & { close: () => Promise<void> }>}
 */
export async function countersign({ url, adminKey }, hookUrl) {
  const { post, close } = jsonCaller(url, { authorization: `Bearer ${adminKey}` });
  const run = randomBytes(4).toString('hex');
  const manager = `manager-${run}@example.com`;
  const requester = `requester-${run}@example.com`;

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
    close,
  };
}
