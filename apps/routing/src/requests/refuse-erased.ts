import type { Command, RequestAggregate } from '@countersign/workflow';
import type { Refusal } from './refusal';

/**
 * Refuses to go on with a draft of somebody who has been erased: what is written into it would be gone at once, everywhere. It can
 * still be canceled.
 */
export const refuseErased = (
  { type }: Pick<Command, 'type'>,
  request: RequestAggregate | null,
  isErased: boolean,
): Refusal | null =>
  isErased && request?.state === 'draft' && (type === 'revise' || type === 'handIn')
    ? { code: 'invalid_transition', detail: 'The draft has been erased. Make a new request.' }
    : null;
