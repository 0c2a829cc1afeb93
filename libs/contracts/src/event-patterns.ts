import { eventTypes, operationalEventTypes, type OperationalEventType } from './states';

const withFamilies = (types: readonly string[]): string[] => [
  ...new Set(types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`)),
  ...types,
];

/**
 * What an endpoint may subscribe to: a whole family (`request.*`), one type by name, or `*`, which is all that happens to
 * requests and tasks: what happens to endpoints and deliveries only who names it gets.
 */
export const eventPatterns: readonly string[] = [
  '*',
  ...withFamilies(eventTypes),
  ...withFamilies(operationalEventTypes),
];

const operational: ReadonlySet<string> = new Set(operationalEventTypes);

const anyPattern = `(${eventPatterns.map((pattern) => pattern.replaceAll('.', '\\.').replaceAll('*', '\\*')).join('|')})`;

/** The same as a regular expression, for validation. */
export const eventPatternExpression = new RegExp(`^${anyPattern}$`);

/** At most 50 of them, separated by commas. */
export const eventPatternList = new RegExp(`^${anyPattern}(,${anyPattern}){0,49}$`);

export const matchesEvent = (patterns: readonly string[], type: string): boolean =>
  patterns.some(
    (pattern) =>
      (pattern === '*' && !operational.has(type)) ||
      pattern === type ||
      (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );

/** The patterns that name an operational event type. */
export const patternsOf = (type: OperationalEventType): string[] =>
  eventPatterns.filter((pattern) => matchesEvent([pattern], type));

/** The event types that some patterns mean, of all there are. */
export const typesOf = (patterns: readonly string[]): string[] =>
  [...eventTypes, ...operationalEventTypes].filter((type) => matchesEvent(patterns, type));
