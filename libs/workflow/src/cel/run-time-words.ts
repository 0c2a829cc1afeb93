import { OPERATORS } from './operators';

const words: [RegExp, string | ((...groups: string[]) => string)][] = [
  [/^Cannot convert (.*) to a BigInt$/s, '$1 is not a whole number'],
  [/^index (\S+) out of bounds .*$/, 'the list has no item $1'],
  [/^field not found: (.*)$/s, 'there is no member $1'],
  [/^Failed to parse timestamp: .*$/s, 'a text is not an RFC 3339 time'],
  [/^Failed to parse duration: .*$/s, 'a text is not a duration such as "90s" or "1h30m"'],
  [
    /^found no matching overload for '?(.+?)'? applied to '\((.*)\)'$/s,
    (_all, name = '', types = '') => {
      const given = types.replaceAll('null_type', 'null').split(', ').join(' and ');
      return `${OPERATORS[name] ?? name} cannot be used with ${given || 'nothing'}`;
    },
  ],
];

/** Why CEL could not be evaluated, in our words where the library speaks of its inside. */
export function runTimeWords(message: string): string {
  const [pattern, ours] = words.find(([known]) => known.test(message)) ?? [];
  return pattern ? message.replace(pattern, ours as string) : message;
}
