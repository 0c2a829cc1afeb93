import type { Actor, DirectoryPerson } from '@countersign/contracts';
import { Problem, type Call } from '@countersign/service-kit';

/** Who acts in a call: the person that the key vouches for, or the key itself. */
export const callingActor = (call: Call, person: DirectoryPerson | null): Actor =>
  person
    ? { type: 'user', id: person.id, via: call.identity.key.id }
    : { type: 'service', id: call.identity.key.id, via: null };

/** Refuses a key that is limited to other workflows. */
export const allowWorkflow = (call: Call, workflowKey: string): void => {
  const { workflows } = call.identity.key;
  if (workflows && !workflows.includes(workflowKey)) {
    throw new Problem('workflow_not_allowed', `The key may not use the workflow ${workflowKey}.`);
  }
};
