// @ts-check
import { replaceMessagingParts, runMain } from './run-with.mjs';

/** Every message counts as new, however often it comes. */
replaceMessagingParts({
  inbox: (ours) => ({
    admit: async (_tx, _queue, messages) => new Set(messages.map(({ id }) => id)),
    bury: (queue, letter) => ours.bury(queue, letter),
  }),
});
runMain();
