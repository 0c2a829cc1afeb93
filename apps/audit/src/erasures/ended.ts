/** States in which nothing needs what a request says any more. Nobody else has ever seen a draft. */
export const endedStates = ['draft', 'completed', 'rejected', 'canceled', 'expired', 'failed'];
