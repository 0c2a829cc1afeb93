import { measureJson } from '../json-bounds';
import { linearRegExp, newAjv, toProblems } from '../json-schema';
import { pointerTo, type Problem } from '../problem';

export type SubjectSchema = boolean | Record<string, unknown>;

/** The most schemas that a subject may stand for once every `$ref` has been followed. */
export const MAX_EXPANDED_SCHEMAS = 2_000;

/** A pattern is dearer to apply than any other keyword. */
const PATTERN_WEIGHT = 10;

/** A validator may apply every schema to every value: what the product may be at most. */
const MAX_VALIDATION_COST = 20_000_000;

/** Up to here all violations are told; above, only the first, because collecting them can exhaust the memory. */
const MAX_COST_OF_ALL_ERRORS = 200_000;
const MAX_SCHEMA_DEPTH = 64;
const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';

const ONE = [
  'additionalProperties',
  'items',
  'contains',
  'not',
  'if',
  'then',
  'else',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAP = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies'];
const DEFINITIONS = ['$defs', 'definitions'];
const REFUSED: Record<string, string> = {
  $dynamicRef: 'Dynamic references are not supported.',
  $dynamicAnchor: 'Dynamic references are not supported.',
  $recursiveRef: 'Dynamic references are not supported.',
  $recursiveAnchor: 'Dynamic references are not supported.',
  $anchor: 'Anchors are not supported: refer to #/$defs/… instead.',
  $async: '$async is not JSON Schema.',
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Follows a local reference (`#` or `#/…`, RFC 6901 section 6); undefined when it leads nowhere. */
export function followLocalRef(root: unknown, ref: string): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return undefined;
  let target: unknown = root;
  for (const token of ref.slice(2).split('/')) {
    let key: string;
    try {
      key = decodeURIComponent(token).replace(/~1/g, '/').replace(/~0/g, '~');
    } catch {
      return undefined;
    }
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) return undefined;
    target = (target as Record<string, unknown>)[key];
  }
  return target;
}

/** Schema keywords hold schemas; everything else (`const`, `enum`, `default`, …) is data and is left alone. */
function children(schema: Record<string, unknown>, withDefinitions: boolean): [string, unknown][] {
  const found: [string, unknown][] = [];
  for (const name of ONE) if (Object.hasOwn(schema, name)) found.push([pointerTo('', name), schema[name]]);
  for (const name of LIST) {
    const list = schema[name];
    if (Array.isArray(list)) list.forEach((item, i) => found.push([pointerTo(pointerTo('', name), i), item]));
  }
  for (const name of withDefinitions ? [...MAP, ...DEFINITIONS] : MAP) {
    const map = schema[name];
    if (!isObject(map)) continue;
    for (const [key, item] of Object.entries(map)) found.push([pointerTo(pointerTo('', name), key), item]);
  }
  return found;
}

function countPatterns(schema: Record<string, unknown>): number {
  const properties = isObject(schema.patternProperties) ? Object.keys(schema.patternProperties).length : 0;
  return properties + (Object.hasOwn(schema, 'pattern') ? 1 : 0);
}

function isSafe(pattern: string): string | null {
  try {
    linearRegExp(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function keywordProblems(root: SubjectSchema): Problem[] {
  const problems: Problem[] = [];
  const visit = (schema: unknown, pointer: string) => {
    if (!isObject(schema) || problems.length >= 20) return;
    for (const [keyword, message] of Object.entries(REFUSED)) {
      if (Object.hasOwn(schema, keyword)) problems.push({ pointer: pointerTo(pointer, keyword), message });
    }
    if (pointer !== '' && Object.hasOwn(schema, '$id')) {
      problems.push({ pointer: `${pointer}/$id`, message: 'Only the subject itself may have an $id.' });
    }
    if (
      schema.$schema !== undefined &&
      schema.$schema !== DRAFT_2020 &&
      schema.$schema !== `${DRAFT_2020}#`
    ) {
      problems.push({ pointer: `${pointer}/$schema`, message: `Must be ${DRAFT_2020}.` });
    }
    if (typeof schema.$ref === 'string') {
      const target = followLocalRef(root, schema.$ref);
      if (!schema.$ref.startsWith('#')) {
        problems.push({
          pointer: `${pointer}/$ref`,
          message: 'Must refer to a place in the subject itself (#/…).',
        });
      } else if (!isObject(target) && typeof target !== 'boolean') {
        problems.push({
          pointer: `${pointer}/$ref`,
          message: `There is no schema at ${schema.$ref.slice(0, 100)}.`,
        });
      }
    }
    const patterns: [string, string][] =
      typeof schema.pattern === 'string' ? [['/pattern', schema.pattern]] : [];
    if (isObject(schema.patternProperties)) {
      for (const key of Object.keys(schema.patternProperties)) {
        patterns.push([pointerTo('/patternProperties', key), key]);
      }
    }
    for (const [at, pattern] of patterns) {
      const fault = isSafe(pattern);
      if (fault) {
        const message = `Must be a regular expression without look-around or back-references (RE2): ${fault}.`;
        problems.push({ pointer: pointer + at, message: message.replace(/\.\.$/, '.') });
      }
    }
    for (const [at, child] of children(schema, true)) visit(child, pointer + at);
  };
  visit(root, '');
  return problems;
}

/**
 * What following every reference amounts to. A few doubled references can make a validator run for years, and a
 * recursive one multiplies that by the depth of the payload: both are refused instead of being run.
 */
function measureExpansion(root: SubjectSchema): number | Problem {
  const sizes = new Map<unknown, { size: number; height: number }>();
  const open = new Set<unknown>();
  let fault: Problem | null = null;
  const measure = (schema: unknown, pointer: string, depth: number): { size: number; height: number } => {
    const leaf = { size: 1, height: 1 };
    if (!isObject(schema) || fault) return leaf;
    const known = sizes.get(schema);
    if (known) return known;
    if (open.has(schema)) {
      fault = { pointer, message: 'Schemas that refer to themselves are not supported.' };
      return leaf;
    }
    if (depth > MAX_SCHEMA_DEPTH) {
      fault = {
        pointer: '',
        message: `Schemas must not be nested or chained more than ${MAX_SCHEMA_DEPTH} levels deep.`,
      };
      return leaf;
    }
    open.add(schema);
    const parts = children(schema, false).map(([at, child]) => measure(child, pointer + at, depth + 1));
    if (typeof schema.$ref === 'string') {
      parts.push(measure(followLocalRef(root, schema.$ref), `${pointer}/$ref`, depth + 1));
    }
    open.delete(schema);
    const total = {
      size: parts.reduce((sum, part) => sum + part.size, 1 + PATTERN_WEIGHT * countPatterns(schema)),
      height: parts.reduce((max, part) => Math.max(max, part.height), 0) + 1,
    };
    sizes.set(schema, total);
    return total;
  };
  const { size, height } = measure(root, '', 1);
  if (fault) return fault;
  if (height > MAX_SCHEMA_DEPTH) {
    return {
      pointer: '',
      message: `Schemas must not be nested or chained more than ${MAX_SCHEMA_DEPTH} levels deep.`,
    };
  }
  if (size > MAX_EXPANDED_SCHEMAS) {
    return {
      pointer: '',
      message: `Stands for more than ${MAX_EXPANDED_SCHEMAS} schemas once its references are followed.`,
    };
  }
  return size;
}

const ajv = newAjv();
const firstErrorAjv = newAjv({ allErrors: false });

/** Everything that keeps a subject from being a usable JSON Schema (2020-12); pointers from the subject's root. */
export function checkSubjectSchema(schema: SubjectSchema): Problem[] {
  const problems = keywordProblems(schema);
  if (problems.length > 0) return problems;
  const expansion = measureExpansion(schema);
  if (typeof expansion !== 'number') return [expansion];
  if (typeof schema !== 'boolean' && !ajv.validateSchema(schema)) {
    // The meta-schema offers alternatives for most keywords: the first one's sentence is enough.
    const first = new Map<string, Problem>();
    for (const problem of toProblems(ajv.errors))
      if (!first.has(problem.pointer)) first.set(problem.pointer, problem);
    return [...first.values()];
  }
  return [];
}

function compileWith(engine: ReturnType<typeof newAjv>, schema: SubjectSchema) {
  if (typeof schema === 'boolean') return engine.compile(schema);
  // A name would stay registered, and collide with the next version of the same subject.
  const anonymous = { ...schema };
  delete anonymous.$id;
  const validate = engine.compile(anonymous);
  engine.removeSchema(anonymous);
  return validate;
}

/** A payload validator for a subject that `checkSubjectSchema` accepts; pointers from the payload's root. */
export function compileSubject(schema: SubjectSchema): (payload: unknown) => Problem[] {
  const size = measureExpansion(schema);
  if (typeof size !== 'number')
    throw new Error(`not a subject that checkSubjectSchema accepted: ${size.message}`);
  let all: ReturnType<typeof compileWith> | undefined;
  let first: ReturnType<typeof compileWith> | undefined;
  return (payload) => {
    const nodes = measureJson(payload);
    if (typeof nodes !== 'number') return [nodes];
    const cost = nodes * size;
    if (cost > MAX_VALIDATION_COST)
      return [{ pointer: '', message: 'Has too many values for the schema of this workflow.' }];
    const validate =
      cost > MAX_COST_OF_ALL_ERRORS
        ? (first ??= compileWith(firstErrorAjv, schema))
        : (all ??= compileWith(ajv, schema));
    return validate(payload) ? [] : toProblems(validate.errors);
  };
}
