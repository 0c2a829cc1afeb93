import type { Command, CompiledDefinition, RequestAggregate } from '@countersign/workflow';
import type { Refusal } from './refusal';

/** States in which a new payload goes to approvers, at once or with the next submission. */
const reviewed = ['submitted', 'pending_review', 'returned'];

/**
 * Refuses a payload that does not fit the workflow's subject. Whoever sent the command has checked that, but
 * the draft, or the version that the request runs on, may have changed on the way.
 */
export const refuseUnfitPayload = (
  command: { type: Command['type']; payload?: { value: unknown } },
  request: RequestAggregate | null,
  definition: CompiledDefinition,
  payload: unknown,
): Refusal | null => {
  if (!request) return null;
  const handsIn = command.type === 'handIn' && ['draft', 'returned'].includes(request.state);
  const revises = command.type === 'revise' && command.payload && reviewed.includes(request.state);
  if (!handsIn && !revises) return null;
  const [first] = definition.validatePayload(revises ? command.payload?.value : payload);
  return first
    ? { code: 'payload_invalid', detail: first.message, pointer: `/payload${first.pointer}` }
    : null;
};
