import fc from 'fast-check';
import { holdUntil, type Hold } from './hold-until';
import { defaultPreferences, preferencesFor } from './preferences';

const berlin = { timezone: 'Europe/Berlin', digest: null, quietHours: null };
const news = { isUrgent: false, dueAt: null };
const urgent = { isUrgent: true, dueAt: null };
const hold = (more: Partial<Hold>, letter: { isUrgent: boolean; dueAt: string | null }, now: string) => {
  const held = holdUntil({ ...berlin, ...more }, letter, new Date(now));
  return held && `${held.isGathered ? 'gathered' : 'held'} ${held.until.toISOString()}`;
};

describe('a mail', () => {
  const digest = { at: '08:00' };
  const quietHours = { from: '20:00', to: '07:00' };

  it('goes at once to who has not said otherwise', () => {
    expect(hold({}, news, '2026-11-21T03:00:00Z')).toBeNull();
  });

  it.each([
    ['before the hour', '2026-11-21T06:59:59Z', 'gathered 2026-11-21T07:00:00.000Z'],
    ['at the hour', '2026-11-21T07:00:00Z', 'gathered 2026-11-22T07:00:00.000Z'],
    ['in summer', '2026-07-21T12:00:00Z', 'gathered 2026-07-22T06:00:00.000Z'],
    ['before the clocks go forward', '2026-03-28T12:00:00Z', 'gathered 2026-03-29T06:00:00.000Z'],
  ])('waits for the digest at the person’s own time: %s', (_, now, expected) => {
    expect(hold({ digest }, news, now)).toBe(expected);
  });

  it('that is urgent, or due before the digest, does not wait for it', () => {
    expect(hold({ digest }, urgent, '2026-11-21T12:00:00Z')).toBeNull();
    expect(
      hold({ digest }, { isUrgent: false, dueAt: '2026-11-22T07:00:00Z' }, '2026-11-21T12:00:00Z'),
    ).toBeNull();
    expect(hold({ digest }, { isUrgent: false, dueAt: '2026-11-22T07:00:01Z' }, '2026-11-21T12:00:00Z')).toBe(
      'gathered 2026-11-22T07:00:00.000Z',
    );
  });

  it.each([
    ['in the evening', '2026-11-21T19:00:00Z', 'held 2026-11-22T06:00:00.000Z'],
    ['after midnight', '2026-11-21T23:30:00Z', 'held 2026-11-22T06:00:00.000Z'],
    ['to the last minute', '2026-11-22T05:59:59Z', 'held 2026-11-22T06:00:00.000Z'],
    ['not when they have ended', '2026-11-22T06:00:00Z', null],
    ['not by day', '2026-11-21T18:59:59Z', null],
  ])('waits for the end of quiet hours, urgent or not: %s', (_, now, expected) => {
    expect(hold({ quietHours }, urgent, now)).toBe(expected);
    expect(hold({ quietHours }, news, now)).toBe(expected);
  });

  it('waits for the end of quiet hours within a day', () => {
    const siesta = { from: '13:00', to: '15:30' };
    expect(hold({ quietHours: siesta }, news, '2026-11-21T12:00:00Z')).toBe('held 2026-11-21T14:30:00.000Z');
    expect(hold({ quietHours: siesta }, news, '2026-11-21T15:00:00Z')).toBeNull();
    expect(hold({ quietHours: { from: '12:00', to: '12:00' } }, news, '2026-11-21T11:00:00Z')).toBeNull();
  });

  it('of a digest in quiet hours waits for their end too', () => {
    expect(hold({ digest: { at: '06:00' }, quietHours }, news, '2026-11-21T12:00:00Z')).toBe(
      'gathered 2026-11-22T06:00:00.000Z',
    );
  });

  it('never waits longer than two days, and never for the past', () => {
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/St_Johns',
      'Pacific/Chatham',
      'Asia/Kathmandu',
      'UTC',
    );
    const now = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) });
    fc.assert(
      fc.property(
        fc.option(time),
        time,
        time,
        zone,
        now,
        fc.boolean(),
        (at, from, to, timezone, ms, isUrgent) => {
          const held = holdUntil(
            { digest: at === null ? null : { at }, quietHours: { from, to }, timezone },
            { isUrgent, dueAt: null },
            new Date(ms),
          );
          if (!held) return;
          const waited = held.until.getTime() - ms;
          expect(waited).toBeGreaterThan(0);
          expect(waited).toBeLessThanOrEqual(50 * 3_600_000);
        },
      ),
    );
  });
});

describe('preferences', () => {
  it('of a workflow take the place of the person’s, member by member', () => {
    const all = {
      ...defaultPreferences,
      news: 'chat' as const,
      digest: { at: '08:00' },
      workflows: { leave: { news: 'none' as const }, purchase: { digest: null, news: undefined } },
    };
    expect(preferencesFor(all, 'leave')).toMatchObject({
      questions: 'mail',
      news: 'none',
      digest: { at: '08:00' },
    });
    expect(preferencesFor(all, 'purchase')).toMatchObject({ news: 'chat', digest: null });
    expect(preferencesFor(all, 'constructor')).toMatchObject({ news: 'chat', digest: { at: '08:00' } });
  });
});
