import { RE2JS } from '@bufbuild/re2';
import Ajv2020, { type ErrorObject, type Options } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { canonicalJson } from './canonical-json';
import { pointerTo, type Problem } from './problem';

/** The most violations that are reported at once. */
export const MAX_PROBLEMS = 100;

/** The longest regular expression that a schema or a condition may use. */
export const MAX_PATTERN_LENGTH = 500;

/** Compiles a regular expression of linear cost (RE2: no look-around, no back-references). Throws what is not one. */
export function linearRegExp(pattern: string): { test(text: string): boolean; toString(): string } {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new Error(`A pattern must not be longer than ${MAX_PATTERN_LENGTH} characters.`);
  }
  const compiled = new RE2JS(pattern);
  return { test: (text) => compiled.test(text), toString: () => pattern };
}

/** An Ajv (2020-12) whose validators cost at most about linear time in the value. */
export function newAjv(options: Options = {}): Ajv2020 {
  // Ajv shares a compiled pattern among those whose toString() is equal.
  const engine = Object.assign((pattern: string) => linearRegExp(pattern), { code: 'linearRegExp' });
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    logger: false,
    inlineRefs: false,
    ...options,
    code: { regExp: engine },
  });
  addFormats(ajv);
  // Ajv's own uniqueItems compares every pair of items.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (unique: boolean, items: unknown[]) =>
      !unique || new Set(items.map(canonicalJson)).size === items.length,
    errors: false,
  });
  return ajv;
}

function list(values: unknown): string {
  return (values as unknown[])
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join(', ');
}

const TYPE_NAMES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};

function count(limit: unknown, one: string, many: string): string {
  return `${String(limit)} ${limit === 1 ? one : many}`;
}

function toProblem(error: ErrorObject): Problem | null {
  const at = error.instancePath;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'if':
      return null;
    case 'required':
      return { pointer: pointerTo(at, String(params.missingProperty)), message: 'Is required.' };
    case 'additionalProperties':
      return { pointer: pointerTo(at, String(params.additionalProperty)), message: 'Is not a known member.' };
    case 'unevaluatedProperties':
      return {
        pointer: pointerTo(at, String(params.unevaluatedProperty)),
        message: 'Is not a known member.',
      };
    case 'type': {
      const names = [params.type].flat().map((type) => TYPE_NAMES[String(type)] ?? String(type));
      return { pointer: at, message: `Must be ${names.join(' or ')}.` };
    }
    case 'enum':
      return { pointer: at, message: `Must be one of: ${list(params.allowedValues)}.` };
    case 'const':
      return { pointer: at, message: `Must be ${JSON.stringify(params.allowedValue)}.` };
    case 'minLength':
      return {
        pointer: at,
        message: `Must have at least ${count(params.limit, 'character', 'characters')}.`,
      };
    case 'maxLength':
      return { pointer: at, message: `Must have at most ${count(params.limit, 'character', 'characters')}.` };
    case 'minItems':
      return { pointer: at, message: `Must have at least ${count(params.limit, 'item', 'items')}.` };
    case 'maxItems':
      return { pointer: at, message: `Must have at most ${count(params.limit, 'item', 'items')}.` };
    case 'minProperties':
      return { pointer: at, message: `Must have at least ${count(params.limit, 'member', 'members')}.` };
    case 'maxProperties':
      return { pointer: at, message: `Must have at most ${count(params.limit, 'member', 'members')}.` };
    case 'uniqueItems':
      return { pointer: at, message: 'Must not hold the same item twice.' };
    case 'minimum':
      return { pointer: at, message: `Must be ${String(params.limit)} or more.` };
    case 'maximum':
      return { pointer: at, message: `Must be ${String(params.limit)} or less.` };
    case 'exclusiveMinimum':
      return { pointer: at, message: `Must be more than ${String(params.limit)}.` };
    case 'exclusiveMaximum':
      return { pointer: at, message: `Must be less than ${String(params.limit)}.` };
    case 'multipleOf':
      return { pointer: at, message: `Must be a multiple of ${String(params.multipleOf)}.` };
    case 'format':
      return { pointer: at, message: `Must be a valid ${String(params.format)}.` };
    case 'pattern':
      return { pointer: at, message: `Must match the pattern ${String(params.pattern)}.` };
    case 'false schema':
      return { pointer: at, message: 'Is not allowed here.' };
    default:
      return {
        pointer: at,
        message: `${(error.message ?? 'is not valid').replace(/^./, (c) => c.toUpperCase())}.`,
      };
  }
}

/** Ajv's errors as plain sentences, each at most once. `x-expected` beside a failed keyword replaces the sentence. */
export function toProblems(errors: ErrorObject[] | null | undefined): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors ?? []) {
    const expected = (error.parentSchema as Record<string, unknown> | undefined)?.['x-expected'];
    const problem =
      typeof expected === 'string' ? { pointer: error.instancePath, message: expected } : toProblem(error);
    if (problem) problems.set(`${problem.pointer} ${problem.message}`, problem);
    if (problems.size === MAX_PROBLEMS) break;
  }
  return [...problems.values()];
}
