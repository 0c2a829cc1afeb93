import { languageOf, localeOf, tagsOf, type Language } from './language';

/** How something is to be shown to one person. */
export interface Reader {
  language: Language;
  /** For dates and numbers: a tag that Intl takes, of whatever language. */
  locale: string;
  /** IANA name. */
  timezone: string;
}

/** What the directory says of a person (RFC 7643 §4.1.1), as it was given. */
export interface Preferences {
  /** SCIM `preferredLanguage`, in the form of `Accept-Language`. */
  language?: string | null;
  locale?: string | null;
  timezone?: string | null;
}

export const isTimezone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +01:00 have no summer time, and are hardly ever meant.
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
};

/** The reader that a person is; what they, or those named after them, have not said counts as in `otherwise`. */
export const readerOf = (
  person: Preferences | null | undefined,
  otherwise: { language: Language; timezone: string },
): Reader => {
  const tags = [...tagsOf(person?.language), ...tagsOf(person?.locale)];
  const language = tags.map(languageOf).find((one) => one !== null) ?? otherwise.language;
  const ofLanguage =
    tagsOf(person?.language).find((tag) => languageOf(tag) === language && tag.includes('-')) ??
    localeOf[language];
  const timezone = person?.timezone && isTimezone(person.timezone) ? person.timezone : otherwise.timezone;
  return {
    language,
    locale: writtenAs(tagsOf(person?.locale)[0], language, ofLanguage),
    timezone,
  };
};

/** A tag with a region says how to write dates and numbers, whatever the language of the texts; a bare language of ours does not. */
const writtenAs = (tag: string | undefined, language: Language, ofLanguage: string): string => {
  if (tag === undefined) return ofLanguage;
  const bare = languageOf(tag);
  if (bare === null || tag.includes('-')) return tag;
  return bare === language ? ofLanguage : localeOf[bare];
};
