const DURATION =
  /^P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})(?:\.(\d{1,3}))?S)?)?)$/;

const DAY_MS = 86_400_000;

/**
 * The parts of an ISO 8601 duration in weeks, or in days, hours, minutes and seconds: whole days (a week has seven)
 * and the milliseconds of the rest; null when it is not one. Years and months are refused: their length depends on
 * the date.
 */
export function durationParts(text: string): { days: number; ms: number } | null {
  const match = DURATION.exec(text);
  if (!match || !/\d/.test(text) || text.endsWith('T')) return null;
  const [, weeks, days, hours, minutes, seconds, fraction] = match;
  const n = (digits: string | undefined) => Number(digits ?? 0);
  const wholeSeconds = (n(hours) * 60 + n(minutes)) * 60 + n(seconds);
  return { days: n(weeks) * 7 + n(days), ms: wholeSeconds * 1000 + n((fraction ?? '').padEnd(3, '0')) };
}

/** Milliseconds of a duration that `durationParts` accepts, with days of 24 hours; null when it is not one. */
export function durationToMs(text: string): number | null {
  const parts = durationParts(text);
  return parts && parts.days * DAY_MS + parts.ms;
}
