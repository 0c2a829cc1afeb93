import { DateTime } from 'luxon';
import type { Digest, QuietHours } from './preferences';

/** What decides when a mail may go. */
export interface Hold {
  digest: Digest | null;
  quietHours: QuietHours | null;
  /** IANA name, of the person. */
  timezone: string;
}

export interface HeldMail {
  /** Goes with others, as one. */
  isGathered: boolean;
  until: Date;
}

const partsOf = (time: string): { hour: number; minute: number } => {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return { hour, minute };
};

/** The next time that a clock on the wall shows this, later than `after`; where summer time leaves it out, when it would have been. */
const next = (time: string, after: DateTime): DateTime => {
  const today = after.set({ ...partsOf(time), second: 0, millisecond: 0 });
  return today > after ? today : after.plus({ days: 1 }).set({ ...partsOf(time), second: 0, millisecond: 0 });
};

const minutesOf = (time: string): number => {
  const { hour, minute } = partsOf(time);
  return hour * 60 + minute;
};

/** The end of the quiet hours that a time falls into; null when it falls into none. Those from 20:00 to 07:00 go over midnight. */
const endOfQuiet = ({ from, to }: QuietHours, at: DateTime): DateTime | null => {
  const [start, end, now] = [minutesOf(from), minutesOf(to), at.hour * 60 + at.minute];
  const isQuiet = start <= end ? start <= now && now < end : now >= start || now < end;
  return isQuiet ? next(to, at) : null;
};

/**
 * Until when a mail must wait; null when it may go at once. What is urgent does not wait for a digest, nor what is due before it; for
 * the end of quiet hours everything waits.
 */
export const holdUntil = (
  { digest, quietHours, timezone }: Hold,
  { isUrgent, dueAt }: { isUrgent: boolean; dueAt: string | null },
  now: Date,
): HeldMail | null => {
  const local = DateTime.fromJSDate(now, { zone: timezone });
  const gathered = digest && !isUrgent ? next(digest.at, local) : null;
  const isGathered = gathered !== null && (dueAt === null || new Date(dueAt) > gathered.toJSDate());
  const earliest = isGathered ? gathered : local;
  const until = (quietHours && endOfQuiet(quietHours, earliest)) ?? (isGathered ? gathered : null);
  return until && { isGathered, until: until.toJSDate() };
};
