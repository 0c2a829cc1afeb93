import type { SubmitCommand } from '../decider/commands';
import type { SimulationInput } from './simulation';

/** The command that begins a simulated request. */
export function submissionOf(input: SimulationInput): SubmitCommand {
  const { workflow, title, reason, requester, now, newId } = input;
  return {
    type: 'submit',
    actor: { type: 'user', id: requester.id, via: null },
    requestId: newId(),
    workspaceId: newId(),
    workflow,
    title,
    reason,
    requester,
    externalRef: null,
    metadata: {},
    createdAt: now,
  };
}
