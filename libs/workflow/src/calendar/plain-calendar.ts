import { durationToMs } from '../definition/duration';
import { MAX_SPAN_MS, type WorkingCalendar } from './working-calendar';

/** Round the clock: a day has 24 hours. */
export const plainCalendar: WorkingCalendar = {
  add: (from, duration) => {
    const ms = durationToMs(duration);
    if (ms === null) throw new RangeError(`not a duration: ${duration}`);
    return new Date(Date.parse(from) + Math.min(ms, MAX_SPAN_MS)).toISOString();
  },
};
