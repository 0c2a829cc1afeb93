/** The languages that texts of ours are there in. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

export const isLanguage = (text: string): text is Language => (languages as readonly string[]).includes(text);

/** How dates and numbers are written by who has said no more than their language. */
export const localeOf: Readonly<Record<Language, string>> = { en: 'en-GB', de: 'de-DE' };

/** A language tag that Intl takes (RFC 5646), in its canonical form; null for anything else. Some directories write `de_DE`. */
const tagOf = (text: string): string | null => {
  try {
    return Intl.getCanonicalLocales(text.trim().replaceAll('_', '-'))[0] ?? null;
  } catch {
    return null;
  }
};

/** Longer lists than people have languages are not read to their end. */
const longest = 500;

/** The tags of an `Accept-Language` list (RFC 9110 §12.5.4), best first; what cannot be read is left out. */
export const tagsOf = (list: string | null | undefined): string[] =>
  (list ?? '')
    .slice(0, longest)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';');
      const weight = parameters
        .map((text) => /^\s*q=([01](?:\.\d{1,3})?)\s*$/i.exec(text)?.[1])
        .find(Boolean);
      return { tag: tagOf(tag), weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ tag, weight }) => tag !== null && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag ?? '');

/** The language of a tag, if ours. */
export const languageOf = (tag: string): Language | null => {
  const [language = ''] = tag.split('-');
  return isLanguage(language) ? language : null;
};
