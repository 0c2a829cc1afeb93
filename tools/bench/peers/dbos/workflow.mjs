// @ts-check
import { randomUUID } from 'node:crypto';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { serveLifecycle } from '../serve.mjs';
import { openStore } from '../store.mjs';
import { assign, complete, needsApproval, persist, requestOf, taskOf } from '../transitions.mjs';
import { tellAssigned, tellCompleted } from '../webhook.mjs';

/**
 * The lifecycle as one DBOS workflow. Its input, every step's outcome and the decision are rows in PostgreSQL before
 * anything goes on, so that a crash loses nothing; a step whose outcome was not recorded runs again. It has no
 * queue, no pacing of outside calls and no proof in its audit table. It is run with DATABASE_URL, which holds DBOS'
 * own tables too.
 *
 * The steps are plain ones with statements that may be repeated: the packages for exactly-once transactions
 * (`@dbos-inc/*-datasource`) are not published for version 5. A transaction there writes a row more.
 */

const DECISION = 'decision';
/** An approver has a week. */
const PATIENCE_SECONDS = 7 * 24 * 3_600;

const databaseUrl = process.env.DATABASE_URL ?? '';
const store = await openStore(databaseUrl);

const approval = DBOS.registerWorkflow(
  async (/** @type {number} */ amount, /** @type {string} */ hook) => {
    const id = DBOS.workflowID ?? '';
    const taskId = taskOf(id);
    await DBOS.runStep(() => persist(store, { id, amount, hook }), { name: 'persist' });
    if (!needsApproval(amount)) throw new Error('not in this bench');
    await DBOS.runStep(() => assign(store, { id, taskId }), { name: 'assign' });
    await DBOS.runStep(() => tellAssigned(hook, id, taskId), { name: 'tell', retriesAllowed: true });
    await DBOS.recv(DECISION, PATIENCE_SECONDS);
    await DBOS.runStep(() => complete(store, { id, taskId }), { name: 'complete' });
    await DBOS.runStep(() => tellCompleted(hook, id), { name: 'tell', retriesAllowed: true });
  },
  { name: 'approval' },
);

DBOS.setConfig({ name: 'approvals', systemDatabaseUrl: databaseUrl, logLevel: 'warn' });
await DBOS.launch();

serveLifecycle({
  async submit({ amount, hook }) {
    const workflowID = randomUUID();
    await DBOS.startWorkflow(approval, { workflowID })(amount, hook);
    return workflowID;
  },
  decide: (taskId) => DBOS.send(requestOf(taskId), { decision: 'approve' }, DECISION, taskId),
});
