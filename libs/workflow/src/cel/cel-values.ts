import type { CelInput } from '@bufbuild/cel';
import type { ConditionContext } from './condition';

/** JSON as CEL sees it: numbers are doubles, objects are maps. */
function toCel(value: unknown): CelInput {
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
  }
  return (value ?? null) as CelInput;
}

const converted = new WeakMap<object, CelInput>();

/** One payload is looked at by every condition of a workflow, and may be large. */
function payloadToCel(payload: unknown): CelInput {
  if (typeof payload !== 'object' || payload === null) return toCel(payload);
  let value = converted.get(payload);
  if (value === undefined) converted.set(payload, (value = toCel(payload)));
  return value;
}

/** The variables that `paths` name, as CEL sees them: of hundreds of stages usually one or two. */
export function bindings(context: ConditionContext, paths: string[][]): Record<string, CelInput> {
  const bound: Record<string, CelInput> = {};
  for (const [root, name] of paths) {
    if (root === 'payload') bound.payload ??= payloadToCel(context.payload);
    else if (root === 'requester') bound.requester ??= toCel(context.requester);
    else if (root === 'request') bound.request ??= toCel(context.request);
    else if (root === 'stages' && name === undefined) bound.stages = toCel(context.stages);
  }
  if (bound.stages === undefined) {
    const keys = paths.filter(([root]) => root === 'stages').map(([, key]) => key ?? '');
    const read = keys.filter((key) => Object.hasOwn(context.stages, key));
    bound.stages = toCel(Object.fromEntries(read.map((key) => [key, context.stages[key]])));
  }
  return bound;
}

/** What a context holds at a path; undefined when there is nothing. */
export function valueAt(context: ConditionContext, path: string[]): unknown {
  let value: unknown = context;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

const MAX_PREVIEW_LENGTH = 60;

/** The beginning of a value's JSON, or `missing`; a large value is not written out first. */
export function preview(value: unknown): string {
  let text = '';
  const isFull = () => text.length > MAX_PREVIEW_LENGTH;
  const write = (part: unknown): void => {
    if (Array.isArray(part)) {
      text += '[';
      for (let index = 0; index < part.length && !isFull(); index++) {
        if (index > 0) text += ',';
        write(part[index]);
      }
      text += ']';
    } else if (typeof part === 'object' && part !== null) {
      text += '{';
      for (const [index, key] of Object.keys(part).entries()) {
        if (isFull()) break;
        text += `${index > 0 ? ',' : ''}${JSON.stringify(key)}:`;
        write((part as Record<string, unknown>)[key]);
      }
      text += '}';
    } else {
      text += JSON.stringify(typeof part === 'string' ? part.slice(0, MAX_PREVIEW_LENGTH + 1) : part);
    }
  };
  if (value === undefined) return 'missing';
  write(value);
  return isFull() ? `${text.slice(0, MAX_PREVIEW_LENGTH).toWellFormed()}…` : text;
}
