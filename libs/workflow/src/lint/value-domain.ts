import type { WorkflowDefinition } from '../definition/workflow-definition';
import { followLocalRef, type SubjectSchema } from '../subject/subject-schema';

export type Scalar = string | number | boolean | null;

/** What a value may be: one of `allowed` if given, and between the limits if it is a number. */
export interface Domain {
  allowed: Scalar[] | null;
  minimum: number;
  maximum: number;
  exclusiveMinimum: number;
  exclusiveMaximum: number;
  integer: boolean;
}

const ANYTHING: Domain = {
  allowed: null,
  minimum: -Infinity,
  maximum: Infinity,
  exclusiveMinimum: -Infinity,
  exclusiveMaximum: Infinity,
  integer: false,
};

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** A schema and those it refers to, all of which hold. References that go in circles end. */
function resolved(root: SubjectSchema, schema: unknown): Json[] {
  const found: Json[] = [];
  for (let next = schema; isObject(next) && !found.includes(next);) {
    found.push(next);
    next = typeof next.$ref === 'string' ? followLocalRef(root, next.$ref) : undefined;
  }
  return found;
}

function schemasAt(subject: SubjectSchema, names: string[]): { schemas: Json[]; required: boolean } {
  let schemas = resolved(subject, subject);
  let required = true;
  for (const name of names) {
    required &&= schemas.some((schema) => Array.isArray(schema.required) && schema.required.includes(name));
    schemas = schemas.flatMap(({ properties }) =>
      isObject(properties) && Object.hasOwn(properties, name) ? resolved(subject, properties[name]) : [],
    );
  }
  return { schemas, required };
}

const limit = (value: unknown, none: number) => (typeof value === 'number' ? value : none);

function allowedBy({ enum: values, const: constant, type }: Json): Scalar[] | null {
  if (isScalar(constant)) return [constant];
  if (Array.isArray(values) && values.every(isScalar)) return values;
  return type === 'boolean' ? [true, false] : null;
}

function narrowed(domain: Domain, schema: Json): Domain {
  const allowed = allowedBy(schema);
  return {
    allowed:
      allowed && domain.allowed
        ? domain.allowed.filter((value) => allowed.includes(value))
        : (allowed ?? domain.allowed),
    minimum: Math.max(domain.minimum, limit(schema.minimum, -Infinity)),
    maximum: Math.min(domain.maximum, limit(schema.maximum, Infinity)),
    exclusiveMinimum: Math.max(domain.exclusiveMinimum, limit(schema.exclusiveMinimum, -Infinity)),
    exclusiveMaximum: Math.min(domain.exclusiveMaximum, limit(schema.exclusiveMaximum, Infinity)),
    integer: domain.integer || schema.type === 'integer',
  };
}

/** Which values the paths of conditions can have, as far as it is known before there is a request. */
export interface Domains {
  of(path: string): Domain;
  /** True if every payload has this path. */
  always(path: string): boolean;
}

export const NO_DOMAINS: Domains = { of: () => ANYTHING, always: () => false };

/**
 * What the subject says of the payload, and what stages can have become by the time that a later one is reached:
 * whatever ends as rejected, returned or failed ends the request.
 */
export function domainsOf(
  definition: WorkflowDefinition,
  stateOf: (key: string) => string[] | null,
): Domains {
  const subject = definition.subject ?? true;
  const known = new Map<string, Domain>();
  const find = (path: string): Domain => {
    const [root, ...names] = path.split('.');
    if (root === 'payload') return schemasAt(subject, names).schemas.reduce(narrowed, ANYTHING);
    if (path === 'request.workflow') return { ...ANYTHING, allowed: [definition.key] };
    if (path === 'request.revision') return { ...ANYTHING, minimum: 1, integer: true };
    if (root === 'stages' && names.length === 2 && names[1] === 'state')
      return { ...ANYTHING, allowed: stateOf(names[0] ?? '') };
    return ANYTHING;
  };
  return {
    of: (path) => {
      const domain = known.get(path) ?? find(path);
      known.set(path, domain);
      return domain;
    },
    always: (path) => {
      const [root, ...names] = path.split('.');
      return root === 'payload' && schemasAt(subject, names).required;
    },
  };
}
