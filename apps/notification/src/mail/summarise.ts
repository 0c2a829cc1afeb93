const mostLines = 25;
const longestPart = 200;
const deepest = 4;

/** A payload in a few lines, `path: value` in its own order; what is left out is counted. */
export const summarise = (payload: unknown): [path: string, value: string][] => {
  const lines: [string, string][] = [];
  let leftOut = 0;
  const add = (path: string, value: unknown, depth: number): void => {
    if (isContainer(value) && depth < deepest && lines.length < mostLines) {
      for (const [name, member] of Object.entries(value))
        add(path ? `${path}.${name}` : name, member, depth + 1);
    } else if (lines.length < mostLines) {
      lines.push([
        shorten(path || 'payload'),
        shorten(typeof value === 'string' ? value : JSON.stringify(value)),
      ]);
    } else {
      leftOut++;
    }
  };
  if (isEmpty(payload)) return [];
  add('', payload, 0);
  if (leftOut > 0) lines.push(['…', `${leftOut} more`]);
  return lines;
};

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && !isContainer(value));

const shorten = (text = 'null'): string =>
  text.length > longestPart ? `${text.slice(0, longestPart)}…` : text;
