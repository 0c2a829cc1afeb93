// @ts-check
import { replaceMessagingParts, runMain } from './run-with.mjs';

/** What was handed to Redis once is never sent again. */
replaceMessagingParts({
  outbox: (ours) => ({
    claimDue: async () => [],
    forget: (settlements) => ours.forget(settlements),
    makeAllDue: () => ours.makeAllDue(),
    adoptEpoch: (epoch) => ours.adoptEpoch(epoch),
  }),
});
runMain();
