import type { ApproverSource, RefOrField } from '../definition/workflow-definition';

/**
 * A source that needs nothing but the directory (or the webhook) to be resolved: fields are looked up, conditions decided,
 * defaults filled in. `of` is a user id.
 */
export type ResolvableSource =
  | { user: string }
  | { group: string }
  | { role: string }
  | { manager: { of: string; levels: number } }
  | { manager: { of: string; untilLimit: number } }
  | { webhook: { url: string; format: 'easylife' | 'countersign'; timeout: string } };

/** Somebody, or something naming somebody, that was left out, and why. */
export interface LeftOut {
  ref: string;
  why: string;
}

/** More refs than this in one field are left out. */
const MAX_FIELD_REFS = 1_000;

function refsAt(path: string, payload: unknown): { refs: string[]; leftOut: LeftOut[] } {
  let value: unknown = { payload };
  for (const name of path.split('.')) {
    const owner = value;
    value =
      typeof owner === 'object' && owner !== null && Object.hasOwn(owner, name)
        ? (owner as Record<string, unknown>)[name]
        : undefined;
  }
  const found = Array.isArray(value) ? (value as unknown[]) : [value];
  const refs = found.filter((ref): ref is string => typeof ref === 'string' && ref.trim() !== '');
  const leftOut: LeftOut[] = [];
  if (refs.length < found.length) leftOut.push({ ref: path, why: `${path} does not name anybody` });
  if (refs.length > MAX_FIELD_REFS)
    leftOut.push({ ref: path, why: `${path} names more than ${MAX_FIELD_REFS}` });
  return { refs: refs.slice(0, MAX_FIELD_REFS), leftOut };
}

/** The sources of a stage with fields of the payload replaced by what they hold. */
export function resolvableSources(
  sources: ApproverSource[],
  payload: unknown,
): { sources: ResolvableSource[]; leftOut: LeftOut[] } {
  const leftOut: LeftOut[] = [];
  const refs = (ref: RefOrField): string[] => {
    if (typeof ref === 'string') return [ref];
    const found = refsAt(ref.field, payload);
    leftOut.push(...found.leftOut);
    return found.refs;
  };
  const resolvable = sources.flatMap((source): ResolvableSource[] => {
    if ('user' in source) return refs(source.user).map((user) => ({ user }));
    if ('group' in source) return refs(source.group).map((group) => ({ group }));
    if ('field' in source) return refs({ field: source.field }).map((user) => ({ user }));
    if ('manager' in source) {
      return [{ manager: { of: source.manager.of ?? 'requester', levels: source.manager.levels ?? 1 } }];
    }
    const { url, format = 'easylife', timeout = 'PT10S' } = source.webhook;
    return [{ webhook: { url, format, timeout } }];
  });
  return { sources: resolvable, leftOut };
}
