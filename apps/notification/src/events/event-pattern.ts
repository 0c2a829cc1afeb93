import { eventTypes } from '@countersign/contracts';

const families = [...new Set(eventTypes.map((type) => type.slice(0, type.indexOf('.'))))];

/** What an endpoint may subscribe to: `*`, a whole family (`request.*`), or one type by name. */
export const eventPatterns: readonly string[] = [
  '*',
  ...families.map((family) => `${family}.*`),
  ...eventTypes,
];

/** The same as a regular expression, for validation. */
export const eventPatternExpression = new RegExp(
  `^(${eventPatterns.map((pattern) => pattern.replaceAll('.', '\\.').replaceAll('*', '\\*')).join('|')})$`,
);

export const matchesEvent = (patterns: readonly string[], type: string): boolean =>
  patterns.some(
    (pattern) =>
      pattern === '*' ||
      pattern === type ||
      (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
