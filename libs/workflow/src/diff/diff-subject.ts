import { pointerTo } from '../problem';
import { list } from '../wording/phrase';
import { sameJson } from '../canonical-json';
import { diffList } from './diff-list';
import { difference, type Difference } from './difference';

type Json = Record<string, unknown>;

const TYPES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'nothing',
};
const LIMITS: Record<string, string> = {
  minimum: 'be at least',
  exclusiveMinimum: 'be more than',
  maximum: 'be at most',
  exclusiveMaximum: 'be less than',
  minLength: 'have a length of at least',
  maxLength: 'have a length of at most',
  minItems: 'have a number of entries of at least',
  maxItems: 'have a number of entries of at most',
  multipleOf: 'be a multiple of',
  pattern: 'match the pattern',
  format: 'have the format',
  const: 'be exactly',
};
/** Keywords that say nothing about which payloads are accepted. */
const NOTES: Record<string, string> = {
  title: 'title',
  description: 'description',
  default: 'default',
  examples: 'examples',
  $comment: 'comment',
};

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? `“${value}”` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text;
}

function typeName(type: unknown): string {
  if (type === undefined) return 'anything';
  return list(
    [type].flat().map((name) => TYPES[String(name)] ?? String(name)),
    'or',
  );
}

/** Follows two schemas side by side. `name` is how the place is called: `the payload`, `the field amount`. */
class SubjectDiff {
  readonly differences: Difference[] = [];

  say(pointer: string, phrase: string): void {
    this.differences.push(difference(pointer, null, phrase));
  }

  compare(from: unknown, to: unknown, name: string, path: string, pointer: string): void {
    if (sameJson(from, to)) return;
    if (!isObject(from) || !isObject(to)) {
      const rule = (schema: unknown) =>
        schema === false ? 'nothing' : isObject(schema) ? 'what its rules say' : 'anything';
      this.say(pointer, `${name} now accepts ${rule(to)} instead of ${rule(from)}`);
      return;
    }
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      if (!sameJson(from[key], to[key])) this.keyword(key, from, to, name, path, pointerTo(pointer, key));
    }
  }

  private keyword(key: string, from: Json, to: Json, name: string, path: string, pointer: string): void {
    const [before, now] = [from[key], to[key]];
    if (key === 'type') this.say(pointer, `${name} is now ${typeName(now)} instead of ${typeName(before)}`);
    else if (key === 'properties' && isObject(before ?? {}) && isObject(now ?? {}))
      this.properties((before ?? {}) as Json, (now ?? {}) as Json, to, path, pointer);
    else if (key === 'required' && Array.isArray(before ?? []) && Array.isArray(now ?? []))
      this.required((before ?? []) as unknown[], (now ?? []) as unknown[], from, to, path, pointer);
    else if (key === 'enum' && Array.isArray(before) && Array.isArray(now))
      this.values(before, now, name, pointer);
    else if (key === 'enum' && Array.isArray(now))
      this.say(pointer, `${name} must now be one of ${list(now.map(show), 'or')}`);
    else if (key === 'enum') this.say(pointer, `${name} is no longer limited to a list of values`);
    else if (key === 'items' && isObject(before) && isObject(now))
      this.compare(before, now, `each entry of ${name}`, `${path}[]`, pointer);
    else if (key === 'additionalProperties' && !isObject(before) && !isObject(now)) {
      const may = now === false ? 'may no longer have' : 'may now have';
      if ((before === false) === (now === false))
        this.say(pointer, `${name} says differently that it may have fields that are not listed`);
      else this.say(pointer, `${name} ${may} fields that are not listed`);
    } else if (LIMITS[key] !== undefined) this.limit(LIMITS[key], before, now, name, pointer);
    else if (NOTES[key] !== undefined) this.say(pointer, `the ${NOTES[key]} of ${name} was changed`);
    else this.say(pointer, `the rule ${key} of ${name} was changed`);
  }

  private properties(before: Json, now: Json, to: Json, path: string, pointer: string): void {
    const field = (key: string) => `the field ${path === '' ? key : `${path}.${key}`}`;
    const required = Array.isArray(to.required) ? (to.required as unknown[]) : [];
    let said = false;
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const at = pointerTo(pointer, key);
      const [old, current] = [
        Object.hasOwn(before, key) ? before[key] : undefined,
        Object.hasOwn(now, key) ? now[key] : undefined,
      ];
      if (sameJson(old, current) && (old === undefined) === (current === undefined)) continue;
      said = true;
      if (old === undefined) {
        const type = isObject(current) ? typeName(current.type) : 'anything';
        const must = required.includes(key) ? 'required' : 'optional';
        this.say(at, `a new field ${path === '' ? key : `${path}.${key}`} was added: ${type}, ${must}`);
      } else if (current === undefined) this.say(at, `${field(key)} was removed`);
      else this.compare(old, current, field(key), path === '' ? key : `${path}.${key}`, at);
    }
    if (!said)
      this.say(pointer, `the list of fields of ${path === '' ? 'the payload' : path} is written differently`);
  }

  private required(
    before: unknown[],
    now: unknown[],
    from: Json,
    to: Json,
    path: string,
    pointer: string,
  ): void {
    const known = (schema: Json, key: unknown) =>
      isObject(schema.properties) && Object.hasOwn(schema.properties, String(key));
    const { added, removed } = diffList(before, now);
    const name = (key: unknown) => (path === '' ? String(key) : `${path}.${String(key)}`);
    // A field that came or went has been told with it.
    const came = added.filter((key) => !(known(to, key) && !known(from, key)));
    const went = removed.filter((key) => !(known(from, key) && !known(to, key)));
    for (const key of came) this.say(pointer, `the field ${name(key)} is now required`);
    for (const key of went) this.say(pointer, `the field ${name(key)} is now optional`);
    if (added.length === 0 && removed.length === 0)
      this.say(
        pointer,
        `the required fields of ${path === '' ? 'the payload' : path} are listed differently`,
      );
  }

  private values(before: unknown[], now: unknown[], name: string, pointer: string): void {
    const { added, removed } = diffList(before, now);
    if (added.length > 0) this.say(pointer, `${name} may now also be ${list(added.map(show), 'or')}`);
    if (removed.length > 0) this.say(pointer, `${name} may no longer be ${list(removed.map(show), 'or')}`);
    if (added.length === 0 && removed.length === 0)
      this.say(pointer, `the values of ${name} are listed in another order`);
  }

  private limit(rule: string, before: unknown, now: unknown, name: string, pointer: string): void {
    if (now === undefined) this.say(pointer, `${name} need no longer ${rule} ${show(before)}`);
    else if (before === undefined) this.say(pointer, `${name} must now ${rule} ${show(now)}`);
    else this.say(pointer, `${name} must now ${rule} ${show(now)} instead of ${show(before)}`);
  }
}

/** How the schema of the payload changed, field by field. Absent means that everything is accepted. */
export function diffSubject(from: unknown, to: unknown): Difference[] {
  const diff = new SubjectDiff();
  diff.compare(from ?? true, to ?? true, 'the payload', '', '/subject');
  return diff.differences;
}
