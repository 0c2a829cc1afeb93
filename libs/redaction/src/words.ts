import { isNamed } from './named';

/** Shorter ones would be found in words that have nothing to do with anybody. */
const shortest = 3;

/** What somebody is called anywhere in these values: userName, displayName, mail address, external id. */
export const namesOf = (values: readonly unknown[], subject: string): string[] => {
  const names = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (isNamed(value) && value.id === subject) {
      for (const name of [value.userName, value.displayName, value.email, value.externalId])
        if (typeof name === 'string' && !isErased(name, subject)) names.add(name);
    }
    for (const member of Object.values(value)) look(member);
  };
  for (const value of values) look(value);
  return [...names];
};

/** What an erased person is called; without an id, it may have been anybody. */
export const erasedName = (id: string): string => `erased-${id}`;
export const erasedDisplayName = 'Erased';

const isErased = (name: string, subject: string): boolean =>
  name === erasedName(subject) || name === erasedDisplayName;

/** One list of names is looked for in many documents. */
const patterns = new WeakMap<readonly string[], RegExp | null>();

/** Matches any of the names as a whole word, whatever its case; null when there is nothing to look for. The list must not change. */
export const wordPattern = (names: readonly string[]): RegExp | null => {
  let pattern = patterns.get(names);
  if (pattern === undefined) patterns.set(names, (pattern = patternOf(names)));
  return pattern;
};

const patternOf = (names: readonly string[]): RegExp | null => {
  const wanted = names.filter(({ length }) => length >= shortest).sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return null;
  const alternatives = wanted.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${alternatives})(?![\\p{L}\\p{N}])`, 'giu');
};
