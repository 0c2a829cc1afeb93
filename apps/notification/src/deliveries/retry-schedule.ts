/** Product §5. */
export const defaultSchedule = 'PT5S,PT5M,PT30M,PT2H,PT5H,PT10H,PT14H,PT20H,PT24H';

/** Every wait varies by this much, so that what failed together does not come back together. */
const jitter = 0.1;
/** A subscriber may ask for patience, not for ever. */
const longestRetryAfterMs = 24 * 3_600_000;

const duration = /^P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8}(?:\.\d{1,3})?)S)?)?$/;

const toMs = (text: string): number => {
  const match = duration.exec(text);
  if (!match || !/\d[DHMS]$/.test(text))
    throw new TypeError(`not an ISO 8601 duration of days, hours, minutes and seconds: "${text}"`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((digits) => Number(digits ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000);
};

/** The waits of `COUNTERSIGN_WEBHOOK_RETRY`, a comma list of ISO 8601 durations, in milliseconds. Throws TypeError. */
export const parseSchedule = (text: string): number[] => text.split(',').map((part) => toMs(part.trim()));

/**
 * Milliseconds until the next attempt after `tries` that have failed; null when there is none left.
 * @param random 0 to 1
 * @param retryAfterMs what the subscriber asked for: never sooner than that
 */
export const nextDelayMs = (
  schedule: readonly number[],
  tries: number,
  random: number,
  retryAfterMs = 0,
): number | null => {
  const wait = schedule[tries - 1];
  if (wait === undefined) return null;
  return Math.max(
    Math.round(wait * (1 - jitter + 2 * jitter * random)),
    Math.min(retryAfterMs, longestRetryAfterMs),
  );
};

/** Milliseconds that a `Retry-After` header asks to wait (RFC 9110 §10.2.3); 0 for none or one that is neither form. */
export const retryAfterMs = (header: string | undefined, now: number): number => {
  if (header === undefined) return 0;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
};
