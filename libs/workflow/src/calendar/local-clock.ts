import { IANAZone } from 'luxon';

const HOUR_MS = 3_600_000;

/** The rules of no time zone put a clock forward and back within a week. */
const SETTLED_MS = 7 * 24 * HOUR_MS;

/** Clocks are ahead of UTC by 14 hours at most, and behind by 12. */
const FARTHEST_MS = 15 * HOUR_MS;

/** A stretch of time in which the local clock runs evenly: local = utc + offset, all in milliseconds. */
export interface EvenStretch {
  start: number;
  end: number;
  offset: number;
}

/** The local clock of an IANA time zone. Local times are counted in milliseconds since 1970 on that clock. */
export class LocalClock {
  private readonly zone: IANAZone;

  constructor(timeZone: string) {
    this.zone = IANAZone.create(timeZone);
    if (!this.zone.isValid) throw new RangeError(`not a time zone: ${timeZone}`);
  }

  toLocal(utc: number): number {
    return utc + this.offset(utc);
  }

  /** The first instant at which the clock shows `local`; if the clock is put forward over it, the instant of that. */
  toUtc(local: number): number {
    const stretches = this.stretches(local - FARTHEST_MS, local + FARTHEST_MS);
    const found = stretches.find(({ end, offset }) => local < end + offset);
    return found ? Math.max(found.start, local - found.offset) : local;
  }

  /** Divides the time from `start` to `end` wherever the clock is put forward or back. */
  stretches(start: number, end: number): EvenStretch[] {
    const stretches: EvenStretch[] = [];
    for (let from = start; from < end;) {
      const offset = this.offset(from);
      let even = from;
      let until = Math.min(end, from + SETTLED_MS);
      while (until < end && this.offset(until) === offset) until = Math.min(end, (even = until) + SETTLED_MS);
      if (this.offset(until) !== offset) {
        while (until - even > 1) {
          const middle = Math.floor((even + until) / 2);
          if (this.offset(middle) === offset) even = middle;
          else until = middle;
        }
      }
      stretches.push({ start: from, end: until, offset });
      from = until;
    }
    return stretches;
  }

  private offset(utc: number): number {
    return Math.round(this.zone.offset(utc) * 60_000);
  }
}
