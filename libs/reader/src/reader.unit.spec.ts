import fc from 'fast-check';
import { escapeHtml } from './escape-html';
import { formatList, formatTime, formatValue } from './format';
import { payloadLines } from './payload-lines';
import { oneLine, readable } from './readable';
import { isTimezone, readerOf, type Reader } from './reader';

const otherwise = { language: 'en', timezone: 'UTC' } as const;
const english: Reader = { language: 'en', locale: 'en-GB', timezone: 'UTC' };
const german: Reader = { language: 'de', locale: 'de-DE', timezone: 'Europe/Berlin' };

describe('a reader', () => {
  it.each([
    ['nothing', {}, 'en en-GB UTC'],
    ['a language', { language: 'de' }, 'de de-DE UTC'],
    ['a language with a region', { language: 'de-AT' }, 'de de-AT UTC'],
    ['several languages', { language: 'fr;q=0.9, en;q=0.3, de-CH;q=0.8' }, 'de de-CH UTC'],
    ['a language of ours that they refuse', { language: 'de;q=0, en' }, 'en en-GB UTC'],
    [
      'a language that we have not, and a locale that we have',
      { language: 'fr', locale: 'de-DE' },
      'de de-DE UTC',
    ],
    ['a locale with an underscore', { locale: 'de_AT' }, 'de de-AT UTC'],
    ['a language and the locale of another', { language: 'de', locale: 'en-US' }, 'de en-US UTC'],
    ['a language and the bare locale of another', { language: 'de', locale: 'en' }, 'de en-GB UTC'],
    [
      'a language with a region, and that as a bare locale',
      { language: 'de-AT', locale: 'de' },
      'de de-AT UTC',
    ],
    ['the locale of a language that we have not', { locale: 'fr-FR' }, 'en fr-FR UTC'],
    ['English and a German locale', { language: 'en', locale: 'de-DE' }, 'en de-DE UTC'],
    ['a language, and a locale that says more', { language: 'en', locale: 'en-US' }, 'en en-US UTC'],
    ['a time zone', { timezone: 'America/New_York' }, 'en en-GB America/New_York'],
    ['no time zone that there is', { timezone: 'Middle-earth/Shire' }, 'en en-GB UTC'],
    ['an offset', { timezone: '+01:00' }, 'en en-GB UTC'],
    ['nonsense', { language: '…;q=x', locale: '$$', timezone: '' }, 'en en-GB UTC'],
  ])('with %s', (_, person, expected) => {
    const { language, locale, timezone } = readerOf(person, otherwise);
    expect(`${language} ${locale} ${timezone}`).toBe(expected);
  });

  it('is somebody whatever the directory says of them, and can be written for', () => {
    const text = fc.option(fc.string({ maxLength: 600 }));
    fc.assert(
      fc.property(text, text, text, (language, locale, timezone) => {
        const reader = readerOf({ language, locale, timezone }, otherwise);
        expect(formatTime('2026-11-22T08:30:00.000Z', reader)).toContain('2026');
      }),
    );
  });

  it('is as the workspace when nobody knows them', () => {
    expect(readerOf(null, { language: 'de', timezone: 'Europe/Berlin' })).toEqual(german);
  });

  it.each([
    ['Europe/Berlin', true],
    ['utc', true],
    ['Berlin', false],
    ['', false],
  ])('time zone %j: %s', (name, expected) => expect(isTimezone(name)).toBe(expected));
});

describe('values for a reader', () => {
  it.each([
    ['2026-07-22T08:30:00.000Z', '22 Jul 2026, 08:30 UTC', '22. Juli 2026, 10:30 MESZ'],
    ['2026-11-22', '22 Nov 2026', '22. Nov. 2026'],
    ['2026-11-22T25:30:00Z', '2026-11-22T25:30:00Z', '2026-11-22T25:30:00Z'],
    ['2026-02-31', /2026/, /2026/],
    ['4500', '4500', '4500'],
    [4200, '4200', '4200'],
    [48_000, '48,000', '48.000'],
    [1_234_567.891, '1,234,567.891', '1.234.567,891'],
    [0.5, '0.5', '0,5'],
    [true, 'yes', 'ja'],
    [false, 'no', 'nein'],
    [null, '–', '–'],
    [{}, '{}', '{}'],
  ])('%j', (value, inEnglish, inGerman) => {
    for (const [reader, expected] of [
      [english, inEnglish],
      [german, inGerman],
    ] as const) {
      if (expected instanceof RegExp) expect(formatValue(value, reader)).toMatch(expected);
      else expect(formatValue(value, reader)).toBe(expected);
    }
  });

  it('in a list', () => {
    expect(formatList(['a', 'b', 'c'], 'en')).toBe('a, b and c');
    expect(formatList(['a', 'b', 'c'], 'de')).toBe('a, b und c');
    expect(formatList(['a'], 'de')).toBe('a');
  });
});

describe('the lines of a payload', () => {
  it('have its members in their order, nested ones by path', () => {
    expect(payloadLines({ b: 1, a: { x: 'y', list: [true, null] } }, english)).toEqual([
      ['b', '1'],
      ['a.x', 'y'],
      ['a.list.0', 'yes'],
      ['a.list.1', '–'],
    ]);
  });

  it('are few and short, whatever the payload', () => {
    const deep = JSON.parse('{"a":'.repeat(500) + '1' + '}'.repeat(500)) as unknown;
    const lines = payloadLines(
      { deep, long: 'x'.repeat(100_000), many: Array.from({ length: 1_000 }, (_, n) => n) },
      german,
    );
    expect(lines.length).toBeLessThanOrEqual(26);
    expect(lines.every(([path, value]) => path.length + value.length < 300)).toBe(true);
    expect(lines.at(-1)).toEqual(['…', expect.stringMatching(/^\d+ weitere$/)]);
    const name = 'n'.repeat(60_000);
    expect(
      payloadLines({ [name]: { [name]: 1, a: 2 } }, english).map(([path, value]) => [path.length, value]),
    ).toEqual([
      [201, '1'],
      [201, '2'],
    ]);
  });

  it('never end in half a character', () => {
    const [line] = payloadLines({ text: `${'x'.repeat(199)}😀😀` }, english);
    expect(line?.[1]).toBe(`${'x'.repeat(199)}…`);
  });

  it.each([[null], [undefined], [{}], [[]]])('of %j are none', (payload) => {
    expect(payloadLines(payload, english)).toEqual([]);
  });

  it('of a bare value are that value', () => {
    expect(payloadLines('x', english)).toEqual([['payload', 'x']]);
  });
});

it('escapes whatever has a meaning in HTML', () => {
  expect(escapeHtml(`<a href="x" title='y'>&</a>`)).toBe(
    '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;',
  );
});

describe('what people wrote', () => {
  it('shows without what nobody can see, and turns nothing around it', () => {
    expect(readable('a\0b\u0007\u202Ec\u202C\u2066d\u2069\r\n\te\ud800')).toBe('abcd\n\te\ufffd');
    expect(readable('שלום, Ñandú 👩‍💻')).toBe('שלום, Ñandú 👩‍💻');
  });

  it('fits on one line where a line would say more', () => {
    expect(oneLine(' Bob\r\n\r\nhttps://evil.example.com\u202E ')).toBe('Bob https://evil.example.com');
  });
});
