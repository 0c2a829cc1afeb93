import { languageOf, localeOf, tagsOf, type Language } from './language';

/** How something is to be shown to one person. */
export interface Reader {
  language: Language;
  /** For dates and numbers: a tag that Intl takes, of the same language. */
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
  const inIt = [...tagsOf(person?.locale), ...tagsOf(person?.language)].filter(
    (tag) => languageOf(tag) === language,
  );
  const timezone = person?.timezone && isTimezone(person.timezone) ? person.timezone : otherwise.timezone;
  return {
    language,
    // A tag with a region says how to write dates; a bare language does not.
    locale: inIt.find((tag) => tag.includes('-')) ?? localeOf[language],
    timezone,
  };
};
