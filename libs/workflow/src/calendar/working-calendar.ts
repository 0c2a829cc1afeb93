/** Working time as a function: when a duration that starts at some time is over. */
export interface WorkingCalendar {
  /**
   * `from` and the answer are RFC 3339 in UTC with milliseconds; `duration` is ISO 8601, as `durationToMs` accepts
   * (RangeError for another). What would take longer than 20 years ends then.
   */
  add(from: string, duration: string): string;
}

/** The longest that any duration lasts, so that no calendar makes it unbounded and every time has four-digit years. */
export const MAX_SPAN_MS = 20 * 365.25 * 86_400_000;
