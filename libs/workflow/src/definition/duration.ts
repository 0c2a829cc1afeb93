const DURATION =
  /^P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})(?:\.(\d{1,3}))?S)?)?)$/;

/**
 * Milliseconds of an ISO 8601 duration in weeks, or in days, hours, minutes and seconds; null when it is not one.
 * Years and months are refused: their length depends on the date.
 */
export function durationToMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (!match || !/\d/.test(text) || text.endsWith('T')) return null;
  const [, weeks, days, hours, minutes, seconds, fraction] = match;
  const n = (digits: string | undefined) => Number(digits ?? 0);
  const wholeSeconds = (((n(weeks) * 7 + n(days)) * 24 + n(hours)) * 60 + n(minutes)) * 60 + n(seconds);
  return wholeSeconds * 1000 + n((fraction ?? '').padEnd(3, '0'));
}
