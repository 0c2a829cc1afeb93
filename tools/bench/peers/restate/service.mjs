// @ts-check
import './promise-with-resolvers.mjs';
import { createServer } from 'node:http2';
import { createEndpointHandler, TerminalError, workflow } from '@restatedev/restate-sdk';
import { listen } from '../serve.mjs';
import { openStore } from '../store.mjs';
import { assign, complete, needsApproval, persist } from '../transitions.mjs';
import { tellAssigned, tellCompleted } from '../webhook.mjs';

/**
 * The lifecycle as one Restate workflow, called by Restate's server. The call, every step's outcome and the decision
 * are in the log of the server before anything goes on, so that a crash loses nothing; a step whose outcome
 * did not reach the log runs again. It has no pacing of outside calls and no proof in its audit table. It is run
 * with DATABASE_URL for the business tables.
 *
 * The task's id is that of an awakeable, which the server completes without a call to this service; a durable promise
 * and a handler that resolves it would be the dearer way.
 */

const store = await openStore(process.env.DATABASE_URL ?? '');

/** @typedef {import('@restatedev/restate-sdk').WorkflowContext} WorkflowContext */

const approval = workflow({
  name: 'approval',
  handlers: {
    run: async (
      /** @type {WorkflowContext} */ ctx,
      /** @type {{ amount: number, hook: string }} */ request,
    ) => {
      const { amount, hook } = request;
      const id = ctx.key;
      await ctx.run('persist', () => persist(store, { id, amount, hook }));
      if (!needsApproval(amount)) throw new TerminalError('not in this bench');
      const { id: taskId, promise: decision } = ctx.awakeable();
      await ctx.run('assign', () => assign(store, { id, taskId }));
      await ctx.run('tell', () => tellAssigned(hook, id, taskId));
      await decision;
      await ctx.run('complete', () => complete(store, { id, taskId }));
      await ctx.run('tell', () => tellCompleted(hook, id));
    },
  },
});

listen(createServer(createEndpointHandler({ services: [approval] })));
