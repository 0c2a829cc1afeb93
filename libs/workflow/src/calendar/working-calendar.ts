/** Working time as a function: when a duration that starts at some time is over. */
export interface WorkingCalendar {
  /** `from` and the answer are RFC 3339 in UTC with milliseconds; `duration` is ISO 8601, as `durationToMs` accepts. */
  add(from: string, duration: string): string;
}
