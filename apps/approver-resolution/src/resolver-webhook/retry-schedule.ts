import { durationToMs } from '@countersign/workflow';

/** Milliseconds before the second attempt, the third, and so on; after the last there is none. */
export type RetrySchedule = readonly number[];

const usual = 'PT1S,PT5S,PT15S';

/** Reads COUNTERSIGN_RESOLVER_RETRY, a comma list of ISO 8601 durations. Throws TypeError naming the one that is none. */
export const readRetrySchedule = (text: string | undefined): RetrySchedule =>
  (text?.trim() || usual).split(',').map((part) => {
    const ms = durationToMs(part.trim());
    if (ms === null) throw new TypeError(`COUNTERSIGN_RESOLVER_RETRY: not an ISO 8601 duration: "${part}"`);
    return ms;
  });
