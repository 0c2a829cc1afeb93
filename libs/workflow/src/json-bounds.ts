import { pointerTo, type Problem } from './problem';

export interface JsonBounds {
  maxDepth: number;
  maxNodes: number;
}

/** What any definition or payload may be at most, so that the recursive work after it stays small. */
export const JSON_BOUNDS: JsonBounds = { maxDepth: 64, maxNodes: 200_000 };

const NOT_TEXT = 'A text must not contain U+0000 or half of a surrogate pair.';

/** What PostgreSQL can store and RFC 8785 can write. */
function isText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/**
 * Checks without recursion that a value is plain JSON within the bounds and free of `__proto__` members.
 * Stops at the first violation: what follows it cannot be trusted to be bounded.
 */
export function checkJsonBounds(root: unknown, bounds: JsonBounds = JSON_BOUNDS): Problem | null {
  const measured = measureJson(root, bounds);
  return typeof measured === 'number' ? null : measured;
}

/** The number of values in plain JSON within the bounds (see `checkJsonBounds`), or the first violation. */
export function measureJson(root: unknown, bounds: JsonBounds = JSON_BOUNDS): number | Problem {
  const open: { value: unknown; pointer: string; depth: number }[] = [{ value: root, pointer: '', depth: 0 }];
  let nodes = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, pointer, depth } = next;
    nodes += 1;
    if (nodes > bounds.maxNodes)
      return { pointer: '', message: `Must not have more than ${bounds.maxNodes} values.` };
    if (depth > bounds.maxDepth) {
      return { pointer: '', message: `Must not be nested more than ${bounds.maxDepth} levels deep.` };
    }
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return { pointer, message: 'Must be a finite number: JSON knows neither infinity nor NaN.' };
    }
    if (typeof value === 'string' && !isText(value)) return { pointer, message: NOT_TEXT };
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) continue;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) {
        open.push({ value: value[i], pointer: pointerTo(pointer, i), depth: depth + 1 });
      }
    } else if (typeof value === 'object') {
      for (const [key, member] of Object.entries(value)) {
        if (key === '__proto__') {
          return { pointer: pointerTo(pointer, key), message: 'A member must not be named __proto__.' };
        }
        if (!isText(key)) return { pointer, message: NOT_TEXT };
        open.push({ value: member, pointer: pointerTo(pointer, key), depth: depth + 1 });
      }
    } else {
      return { pointer, message: `Must be JSON, but is a ${typeof value}.` };
    }
  }
  return nodes;
}
