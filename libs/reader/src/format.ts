import type { Language } from './language';
import type { Reader } from './reader';

/** Intl's formats take long to make, and there are few: kept until there are too many. */
const mostKept = 500;

const keeping = <K extends string, T>(make: (...keys: K[]) => T): ((...keys: K[]) => T) => {
  const kept = new Map<string, T>();
  return (...keys) => {
    const name = keys.join('\n');
    let format = kept.get(name);
    if (format === undefined) {
      format = make(...keys);
      if (kept.size >= mostKept) kept.clear();
      kept.set(name, format);
    }
    return format;
  };
};

const times = keeping(
  (locale, timeZone) =>
    new Intl.DateTimeFormat(locale, {
      timeZone,
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      timeZoneName: 'short',
    }),
);
const dates = keeping(
  (locale) =>
    new Intl.DateTimeFormat(locale, { timeZone: 'UTC', year: 'numeric', month: 'short', day: 'numeric' }),
);
// Four digits stay together: they are years and numbers of things as often as amounts.
const numbers = keeping(
  (locale) => new Intl.NumberFormat(locale, { useGrouping: 'min2', maximumFractionDigits: 20 } as object),
);
const lists = keeping((locale) => new Intl.ListFormat(locale, { type: 'conjunction' }));

/** A time in the reader's time zone, to the minute: `22 Nov 2026, 08:30 UTC`. */
export const formatTime = (at: string, { locale, timezone }: Reader): string =>
  times(locale, timezone).format(new Date(at));

/** A day without a time: the same day everywhere. */
export const formatDate = (day: string, { locale }: Reader): string =>
  dates(locale).format(new Date(`${day}T00:00:00Z`));

export const formatNumber = (value: number, { locale }: Reader): string => numbers(locale).format(value);

/** `a, b and c`. */
export const formatList = (items: readonly string[], language: Language): string =>
  lists(language === 'en' ? 'en-GB' : language).format(items);

const yesAndNo: Readonly<Record<Language, readonly [string, string]>> = {
  en: ['yes', 'no'],
  de: ['ja', 'nein'],
};

const isoDate = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const isoTime =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

const isReal = (text: string): boolean => !Number.isNaN(Date.parse(text));

/** A bare value of a payload as its reader writes such values; texts that are no dates stay as they are. */
export const formatValue = (value: unknown, reader: Reader): string => {
  if (typeof value === 'number') return formatNumber(value, reader);
  if (typeof value === 'boolean') return yesAndNo[reader.language][value ? 0 : 1];
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'string') return JSON.stringify(value);
  if (isoTime.test(value) && isReal(value)) return formatTime(value, reader);
  return isoDate.test(value) && isReal(value) ? formatDate(value, reader) : value;
};
