import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import type { CalendarDefinition } from '../definition/workflow-definition';
import { compileCalendar } from './compile-calendar';
import { plainCalendar } from './plain-calendar';

const nineToFive = ['09:00-17:00'];
const office = (over: Partial<CalendarDefinition> = {}): CalendarDefinition => ({
  timeZone: 'Europe/Berlin',
  weekly: { mon: nineToFive, tue: nineToFive, wed: nineToFive, thu: nineToFive, fri: nineToFive },
  ...over,
});
const everyDay = (span: string) => {
  const spans = [span];
  return { mon: spans, tue: spans, wed: spans, thu: spans, fri: spans, sat: spans, sun: spans };
};

/** From and to are local times, because that is what people see. */
function add(calendar: CalendarDefinition, from: string, duration: string): string {
  const { timeZone } = calendar;
  const start = DateTime.fromISO(from, { zone: timeZone }).toUTC().toISO();
  if (start === null) throw new Error(`not a time: ${from}`);
  const end = DateTime.fromISO(compileCalendar(calendar).add(start, duration), { zone: timeZone });
  return end.toFormat("ccc yyyy-MM-dd'T'HH:mm");
}

describe('hours', () => {
  it.each([
    ['2026-11-20T10:00', 'PT2H', 'Fri 2026-11-20T12:00'],
    ['2026-11-20T10:00', 'PT7H', 'Fri 2026-11-20T17:00'],
    ['2026-11-20T10:00', 'PT8H', 'Mon 2026-11-23T10:00'],
    ['2026-11-20T17:00', 'PT1H', 'Mon 2026-11-23T10:00'],
    ['2026-11-20T23:00', 'PT1H', 'Mon 2026-11-23T10:00'],
    ['2026-11-21T12:00', 'PT8H', 'Mon 2026-11-23T17:00'],
    ['2026-11-23T06:00', 'PT30M', 'Mon 2026-11-23T09:30'],
    ['2026-11-20T10:00', 'PT40H', 'Fri 2026-11-27T10:00'],
    ['2026-11-21T12:00', 'PT0S', 'Mon 2026-11-23T09:00'],
  ])('from %s, %s last until %s', (from, duration, until) => {
    expect(add(office(), from, duration)).toBe(until);
  });

  it('leave out breaks', () => {
    const calendar = office({ weekly: everyDay('09:00-12:00') });
    calendar.weekly.fri = ['13:00-17:00', '09:00-12:00'];
    expect(add(calendar, '2026-11-20T11:00', 'PT2H')).toBe('Fri 2026-11-20T14:00');
    expect(add(calendar, '2026-11-20T12:30', 'PT2H')).toBe('Fri 2026-11-20T15:00');
  });

  it('go on over midnight when the calendar does', () => {
    expect(add(office({ weekly: everyDay('00:00-24:00') }), '2026-11-20T22:00', 'PT30H')).toBe(
      'Sun 2026-11-22T04:00',
    );
  });
});

describe('days', () => {
  it.each([
    ['2026-11-19T10:00', 'P1D', 'Fri 2026-11-20T10:00'],
    ['2026-11-20T10:00', 'P1D', 'Mon 2026-11-23T10:00'],
    ['2026-11-20T10:00', 'P5D', 'Fri 2026-11-27T10:00'],
    ['2026-11-20T10:00', 'P1W', 'Tue 2026-12-01T10:00'],
    ['2026-11-21T10:00', 'P1D', 'Tue 2026-11-24T09:00'],
    ['2026-11-20T18:00', 'P1D', 'Tue 2026-11-24T09:00'],
    ['2026-11-19T10:00', 'P1DT2H', 'Fri 2026-11-20T12:00'],
    ['2026-11-19T16:00', 'P1DT2H', 'Mon 2026-11-23T10:00'],
    ['2026-11-20T10:00', 'P250D', 'Fri 2027-11-05T10:00'],
  ])('from %s, %s last until %s', (from, duration, until) => {
    expect(add(office(), from, duration)).toBe(until);
  });

  it('leave out holidays', () => {
    const calendar = office({ holidays: ['2026-12-25', '2026-12-28', '2026-12-26'] });
    expect(add(calendar, '2026-12-24T16:00', 'PT2H')).toBe('Tue 2026-12-29T10:00');
    expect(add(calendar, '2026-12-24T16:00', 'P1D')).toBe('Tue 2026-12-29T16:00');
    expect(add(calendar, '2026-12-25T12:00', 'PT1H')).toBe('Tue 2026-12-29T10:00');
  });

  it('move on to the next working time when the day is shorter', () => {
    const calendar = office();
    calendar.weekly.fri = ['09:00-12:00'];
    expect(add(calendar, '2026-11-19T15:00', 'P1D')).toBe('Mon 2026-11-23T09:00');
  });
});

describe('daylight saving', () => {
  const nights = (timeZone: string) => office({ timeZone, weekly: everyDay('00:00-24:00') });

  it.each([
    ['Europe/Berlin', '2027-03-27T12:00', 'Sun 2027-03-28T12:00', 'Sun 2027-03-28T13:00'],
    ['Europe/Berlin', '2026-10-24T12:00', 'Sun 2026-10-25T12:00', 'Sun 2026-10-25T11:00'],
    ['America/New_York', '2027-03-13T12:00', 'Sun 2027-03-14T12:00', 'Sun 2027-03-14T13:00'],
    ['America/New_York', '2026-10-31T12:00', 'Sun 2026-11-01T12:00', 'Sun 2026-11-01T11:00'],
    ['Australia/Lord_Howe', '2026-10-03T12:00', 'Sun 2026-10-04T12:00', 'Sun 2026-10-04T12:30'],
    ['Australia/Lord_Howe', '2027-04-03T12:00', 'Sun 2027-04-04T12:00', 'Sun 2027-04-04T11:30'],
  ])('in %s keeps the time of day from %s for a day, and counts 24 real hours', (zone, from, day, hours) => {
    expect(add(nights(zone), from, 'P1D')).toBe(day);
    expect(add(nights(zone), from, 'PT24H')).toBe(hours);
  });

  it('does not count what the clock is put forward over', () => {
    const calendar = office({ weekly: everyDay('01:00-05:00') });
    expect(add(calendar, '2027-03-28T01:00', 'PT3H')).toBe('Sun 2027-03-28T05:00');
    expect(add(calendar, '2027-03-28T01:00', 'PT4H')).toBe('Mon 2027-03-29T02:00');
  });

  it('counts an hour twice when the clock shows it twice', () => {
    const calendar = office({ weekly: everyDay('01:00-05:00') });
    expect(add(calendar, '2026-10-25T01:00', 'PT5H')).toBe('Sun 2026-10-25T05:00');
    expect(add(office({ weekly: everyDay('02:00-02:30') }), '2026-10-25T00:00', 'PT1H')).toBe(
      'Sun 2026-10-25T02:30',
    );
  });

  it('skips a span that does not exist on a day', () => {
    const calendar = office({ weekly: everyDay('02:00-03:00') });
    expect(add(calendar, '2027-03-27T02:30', 'PT1H')).toBe('Mon 2027-03-29T02:30');
    expect(add(calendar, '2027-03-27T02:30', 'P1D')).toBe('Mon 2027-03-29T02:00');
    expect(add(calendar, '2027-03-27T02:30', 'P2D')).toBe('Mon 2027-03-29T02:30');
  });
});

describe('what takes very long', () => {
  it('ends after 20 years at the latest', () => {
    const oneHour = compileCalendar(office({ weekly: { wed: ['09:00-10:00'] } }));
    const from = '2026-11-20T09:00:00.000Z';
    const end = '2046-11-20T09:00:00.000Z';
    expect(oneHour.add(from, 'PT999999H')).toBe(end);
    expect(oneHour.add(from, 'P999999D')).toBe(end);
    expect(oneHour.add(from, 'P999999W')).toBe(end);
    expect(plainCalendar.add(from, 'P999999W')).toBe(end);
    expect(oneHour.add(from, 'PT520H') < end).toBe(true);
  });

  it('ends even if there is no working time left', () => {
    const holidays = Array.from({ length: 1_000 }, (_, week) =>
      new Date(Date.UTC(2026, 10, 25) + week * 7 * 86_400_000).toISOString().slice(0, 10),
    );
    const calendar = compileCalendar(office({ weekly: { wed: ['09:00-10:00'] }, holidays }));
    expect(calendar.add('2026-11-20T09:00:00.000Z', 'PT1H')).toBe('2046-01-24T09:00:00.000Z');
  });
});

describe('round the clock', () => {
  it('has days of 24 hours', () => {
    expect(plainCalendar.add('2026-10-24T12:00:00.000Z', 'P1DT1H')).toBe('2026-10-25T13:00:00.000Z');
  });

  it.each([[plainCalendar], [compileCalendar(office())]])('refuses what is not a duration', (calendar) => {
    expect(() => calendar.add('2026-10-24T12:00:00.000Z', 'soon')).toThrow(RangeError);
  });
});

describe('any calendar', () => {
  const time = (minute: number) =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const spans = fc
    .uniqueArray(fc.integer({ min: 0, max: 96 }), { minLength: 2, maxLength: 6 })
    .map((quarters) => quarters.sort((a, b) => a - b))
    .map((quarters) =>
      quarters.flatMap((quarter, index) => {
        const end = quarters[index + 1];
        return index % 2 === 0 && end !== undefined ? [`${time(quarter * 15)}-${time(end * 15)}`] : [];
      }),
    );
  const start = Date.UTC(2026, 8, 20);
  const calendars = fc.record({
    timeZone: fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'UTC',
      'Asia/Kolkata',
    ),
    weekly: fc.record({ mon: spans, wed: spans, thu: spans, sun: spans }, { requiredKeys: ['sun'] }),
    holidays: fc.array(
      fc
        .integer({ min: 0, max: 300 })
        .map((day) => new Date(start + day * 86_400_000).toISOString().slice(0, 10)),
      { maxLength: 5 },
    ),
  });
  const instants = fc.integer({ min: 0, max: 250 * 24 * 60 }).map((minute) => start + minute * 60_000);
  const iso = (at: number) => new Date(at).toISOString();
  const minutes = fc.integer({ min: 1, max: 60 * 24 * 20 });
  const durations = fc
    .record({ days: fc.nat({ max: 30 }), minutes: fc.nat({ max: 60 * 24 * 5 }) })
    .filter((duration) => duration.days + duration.minutes > 0);
  const text = (duration: { days: number; minutes: number }) =>
    `P${duration.days}D${duration.minutes > 0 ? `T${duration.minutes}M` : ''}`;

  /** Told by walking the wall clock, not by the calendar's own arithmetic. */
  const isWorking = ({ timeZone, weekly, holidays = [] }: CalendarDefinition, at: number) => {
    const local = DateTime.fromMillis(at, { zone: timeZone });
    if (holidays.includes(local.toFormat('yyyy-MM-dd'))) return false;
    const names = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
    const today = weekly[names[local.weekday - 1] ?? 'mon'] ?? [];
    const now = local.toFormat('HH:mm:ss.SSS');
    return today.some((span) => {
      const [open = '', close = ''] = span.split('-');
      return now >= open && now < close;
    });
  };
  const isRepeated = ({ timeZone }: CalendarDefinition, at: number) =>
    DateTime.fromMillis(at, { zone: timeZone }).getPossibleOffsets().length > 1;

  it('ends every duration in working time, or at the end of it', () => {
    fc.assert(
      fc.property(calendars, instants, durations, (definition, from, duration) => {
        const end = Date.parse(compileCalendar(definition).add(iso(from), text(duration)));
        expect(isWorking(definition, end) || isWorking(definition, end - 1)).toBe(true);
      }),
    );
  });

  it('ends no later what starts no later', () => {
    fc.assert(
      fc.property(calendars, instants, instants, durations, (definition, a, b, duration) => {
        const [first, second] = a < b ? [a, b] : [b, a];
        // The same time of day is earlier again when the clock is put back.
        fc.pre(duration.days === 0 || !isRepeated(definition, second));
        const calendar = compileCalendar(definition);
        expect(calendar.add(iso(first), text(duration)) <= calendar.add(iso(second), text(duration))).toBe(
          true,
        );
      }),
    );
  });

  it('ends no later what is no longer', () => {
    fc.assert(
      fc.property(calendars, instants, durations, durations, (definition, from, duration, more) => {
        const longer = { days: duration.days + more.days, minutes: duration.minutes + more.minutes };
        const calendar = compileCalendar(definition);
        expect(calendar.add(iso(from), text(duration)) <= calendar.add(iso(from), text(longer))).toBe(true);
      }),
    );
  });

  it('adds working hours one after the other as all at once', () => {
    fc.assert(
      fc.property(calendars, instants, minutes, minutes, (definition, from, a, b) => {
        const calendar = compileCalendar(definition);
        const inTwo = calendar.add(calendar.add(iso(from), `PT${a}M`), `PT${b}M`);
        expect(inTwo).toBe(calendar.add(iso(from), `PT${a + b}M`));
      }),
    );
  });

  it('counts exactly the minutes that the wall clock works', () => {
    fc.assert(
      fc.property(calendars, instants, fc.integer({ min: 1, max: 600 }), (definition, from, count) => {
        let at = from;
        for (let left = count; left > 0; at += 60_000) if (isWorking(definition, at)) left -= 1;
        expect(compileCalendar(definition).add(iso(from), `PT${count}M`)).toBe(iso(at));
      }),
      { numRuns: 20 },
    );
  });
});

it('is cheap to keep, however long a duration is and however scattered the working time', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept = () => {
    collect();
    return process.memoryUsage().heapUsed / 1e6;
  };
  const spans = Array.from({ length: 12 }, (_, index) => `${index + 10}:00-${index + 10}:01`);
  const scattered = office({
    weekly: { mon: spans, tue: spans, wed: spans, thu: spans, fri: spans, sat: spans },
  });
  const before = kept();
  const calendars = Array.from({ length: 10 }, () => compileCalendar(scattered));
  const ends = calendars.map((calendar) => calendar.add('2026-11-20T10:00:00.000Z', 'PT600H'));
  expect(new Set(ends).size).toBe(1);
  expect(kept() - before).toBeLessThan(5);
  expect(calendars).toHaveLength(10);
});
