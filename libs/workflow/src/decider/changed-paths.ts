function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two JSON values are equal, whatever the order of their members. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && isSameJson(a[key], b[key]))
    );
  }
  return a === b;
}

/** The paths below `base` at which two JSON values differ; a list differs as a whole. */
export function changedPaths(before: unknown, after: unknown, base: string): string[] {
  if (!isObject(before) || !isObject(after)) return isSameJson(before, after) ? [] : [base];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => {
    const both = Object.hasOwn(before, key) && Object.hasOwn(after, key);
    return both ? changedPaths(before[key], after[key], `${base}.${key}`) : [`${base}.${key}`];
  });
}

/** Whether what is read at one path may be different when another one has changed: either holds the other. */
export function touches(read: string, changed: string): boolean {
  return read === changed || read.startsWith(`${changed}.`) || changed.startsWith(`${read}.`);
}
