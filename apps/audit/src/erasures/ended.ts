import { finalStates } from '@countersign/contracts';

/** States in which nothing needs what a request says any more. Nobody else has ever seen a draft. */
export const endedStates: readonly string[] = ['draft', ...finalStates];
