import type { Call } from './call';
import { Problem } from './problem';

/**
 * Refuses a key that is limited to other workflows (product §3). Where the caller names the workflow this comes before
 * any look for it, so that a limited key cannot find out which others there are. Throws Problem workflow_not_allowed.
 */
export const allowWorkflow = (call: Call, workflowKey: string): void => {
  const { workflows } = call.identity.key;
  if (workflows && !workflows.includes(workflowKey)) {
    throw new Problem('workflow_not_allowed', `The key may not use the workflow ${workflowKey}.`);
  }
};

/**
 * Refuses a limited key what is itself for workflows beyond that limit: for all of them (null, or
 * none named) or for another one. `what` begins the detail. Throws Problem workflow_not_allowed.
 */
export const allowWorkflows = (call: Call, workflows: readonly string[] | null, what: string): void => {
  const own = call.identity.key.workflows;
  if (own === null) return;
  const others = (workflows ?? []).filter((key) => !own.includes(key));
  if (workflows !== null && workflows.length > 0 && others.length === 0) return;
  throw new Problem(
    'workflow_not_allowed',
    others.length > 0
      ? `${what} is for the workflow ${others[0]}, which the key may not use.`
      : `${what} is for all workflows, but the key may use some of them only.`,
  );
};
