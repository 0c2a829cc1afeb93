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

/**
 * As much is told of a change: what an event says must not grow far beyond the payload, whose member names come again in
 * every path below them.
 */
const MAX_PATHS = 1_000;
const MAX_PATH_LENGTH = 500;

/**
 * The paths below `base` at which two JSON values differ. A list differs as a whole, and so does an object with more
 * than 1,000 differences below it or one in a path of more than 500 characters.
 */
export function changedPaths(before: unknown, after: unknown, base: string): string[] {
  if (!isObject(before) || !isObject(after)) return isSameJson(before, after) ? [] : [base];
  const paths: string[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const path = `${base}.${key}`;
    const both = Object.hasOwn(before, key) && Object.hasOwn(after, key);
    if (both && path.length <= MAX_PATH_LENGTH) paths.push(...changedPaths(before[key], after[key], path));
    else if (!both || !isSameJson(before[key], after[key])) paths.push(path);
    if (paths.length > MAX_PATHS || (paths.at(-1)?.length ?? 0) > MAX_PATH_LENGTH) return [base];
  }
  return paths;
}

/** The path and all that it lies below: `a`, `a.b` and `a.b.c` for `a.b.c`. */
function withParents(path: string): string[] {
  const names = path.split('.');
  return names.map((_, index) => names.slice(0, index + 1).join('.'));
}

/** Whether two JSON values differ at a path of member names, or at what lies above it where there is no such member. */
function differAt(names: readonly string[], before: unknown, after: unknown): boolean {
  const [name, ...rest] = names;
  if (name === undefined || !isObject(before) || !isObject(after)) return !isSameJson(before, after);
  const both = Object.hasOwn(before, name) && Object.hasOwn(after, name);
  if (both) return differAt(rest, before[name], after[name]);
  return Object.hasOwn(before, name) || Object.hasOwn(after, name);
}

/**
 * What has changed: the payload, which is compared where it is read, since `changedPaths` may say less than that; and
 * other paths, whose look-up takes as long as the path is, however many there are.
 */
export class Changes {
  private readonly paths = new Set<string>();
  private readonly parents = new Set<string>();
  private readonly inPayload = new Map<string, boolean>();

  constructor(
    paths: readonly string[],
    private readonly before: unknown,
    private readonly after: unknown,
  ) {
    for (const path of paths) this.add(path);
  }

  add(path: string): void {
    this.paths.add(path);
    for (const parent of withParents(path)) this.parents.add(parent);
  }

  /** Whether what is read at a path may be different: what has changed holds it, or the other way round. */
  touch(read: string): boolean {
    const [root, ...names] = read.split('.');
    if (root === 'payload') {
      const touched = this.inPayload.get(read) ?? differAt(names, this.before, this.after);
      this.inPayload.set(read, touched);
      return touched;
    }
    return this.parents.has(read) || withParents(read).some((path) => this.paths.has(path));
  }
}
