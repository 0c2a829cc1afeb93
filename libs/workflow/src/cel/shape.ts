import { followLocalRef, type SubjectSchema } from '../subject/subject-schema';

export type ShapeType =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'dyn';

/** What is known of a CEL value before there is one. `dyn` means nothing; an open map may have other members too. */
export interface Shape {
  type: ShapeType;
  fields?: Map<string, Shape>;
  open?: boolean;
  element?: Shape;
  /** The member may be missing, so that reading it without `has()` can fail. */
  optional?: boolean;
  /** The value may be null instead, with which most functions fail. */
  nullable?: boolean;
}

export const DYN: Shape = { type: 'dyn' };

/** A map of which all members are known. */
export function closedMap(fields: Record<string, Shape>): Shape {
  return { type: 'map', fields: new Map(Object.entries(fields)), open: false };
}

const JSON_TYPES: Record<string, ShapeType> = {
  string: 'string',
  number: 'double',
  integer: 'double',
  boolean: 'bool',
  array: 'list',
  object: 'map',
  null: 'null',
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The shape of values that a subject accepts. Only what holds for all of them is told: combinators and types that
 * depend on the value become `dyn`.
 */
export function shapeOfSchema(root: SubjectSchema, schema: unknown = root): Shape {
  if (!isObject(schema)) return DYN;
  if (
    ['allOf', 'anyOf', 'oneOf', 'if', 'not', 'dependentSchemas'].some((keyword) =>
      Object.hasOwn(schema, keyword),
    )
  ) {
    return DYN;
  }
  if (typeof schema.$ref === 'string') {
    return Object.hasOwn(schema, 'properties') ? DYN : shapeOfSchema(root, followLocalRef(root, schema.$ref));
  }
  const type = typeof schema.type === 'string' ? JSON_TYPES[schema.type] : undefined;
  if (type === 'list') return { type, element: shapeOfSchema(root, schema.items) };
  if (type !== 'map') return type ? { type } : DYN;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = new Map<string, Shape>();
  for (const [key, member] of Object.entries(isObject(schema.properties) ? schema.properties : {})) {
    fields.set(key, { ...shapeOfSchema(root, member), optional: !required.includes(key) });
  }
  const closed = schema.additionalProperties === false && !Object.hasOwn(schema, 'patternProperties');
  return { type, fields, open: !closed };
}
