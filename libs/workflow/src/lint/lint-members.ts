import { parse } from '@bufbuild/cel';
import { pathsOf } from '../cel/cel-paths';
import { stagesOf, type StageDefinition, type WorkflowDefinition } from '../definition/workflow-definition';
import { followLocalRef, type SubjectSchema } from '../subject/subject-schema';
import { eachSource, sourceLists } from './each-source';
import type { Finding } from './finding';
import { stageName } from './stage-name';

/** Paths below `payload` that something reads, without `payload`, and where it says so. */
interface Reading {
  pointer: string;
  paths: string[][];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inCel(text: string, pointer: string): Reading {
  try {
    const paths = pathsOf(parse(text).expr).filter(([root]) => root === 'payload');
    return { pointer, paths: paths.map(([, ...names]) => names) };
  } catch {
    return { pointer, paths: [] };
  }
}

const inField = (path: string, pointer: string): Reading => ({
  pointer,
  paths: [path.split('.').slice(1)],
});

/** What a source or a part of a quorum reads by itself. */
function inSource(source: object, pointer: string): Reading[] {
  const { user, group, field, expression, matrix, manager } = source as Record<string, unknown>;
  const readings: Reading[] = [];
  for (const [name, ref] of Object.entries({ user, group }))
    if (isObject(ref)) readings.push(inField(String(ref.field), `${pointer}/${name}/field`));
  if (typeof field === 'string') readings.push(inField(field, `${pointer}/field`));
  if (isObject(manager) && typeof manager.untilLimit === 'string')
    readings.push(inField(manager.untilLimit, `${pointer}/manager/untilLimit`));
  if (typeof expression === 'string') readings.push(inCel(expression, `${pointer}/expression`));
  for (const [row, { when }] of (Array.isArray(matrix) ? (matrix as { when: string }[]) : []).entries())
    readings.push(inCel(when, `${pointer}/matrix/${row}/when`));
  return readings;
}

function inStage(stage: StageDefinition, pointer: string): Reading[] {
  const { when, quorum, sla, reads = [] } = stage;
  const parts = typeof quorum === 'object' && 'each' in quorum ? quorum.each : [];
  return [
    ...(when === undefined ? [] : [inCel(when, `${pointer}/when`)]),
    ...sourceLists(stage, pointer)
      .flatMap(({ sources, pointer: at }) => eachSource(sources, at))
      .flatMap((found) => inSource(found.source, found.pointer)),
    ...parts.flatMap((part, index) => inSource(part, `${pointer}/quorum/each/${index}`)),
    ...(typeof sla === 'object' ? [inField(sla.field, `${pointer}/sla/field`)] : []),
    ...reads.map((path, index) => inField(path, `${pointer}/reads/${index}`)),
  ];
}

/** Keywords that make what a payload may hold depend on more than `properties`. */
const MORE_THAN_PROPERTIES = [
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  'not',
  'dependentSchemas',
  'patternProperties',
  'unevaluatedProperties',
];

/** How many names of a path the subject declares; null when it leaves open what there may be. */
function declared(subject: SubjectSchema, path: readonly string[]): number | null {
  let schema: unknown = subject;
  for (const [index, name] of path.entries()) {
    while (isObject(schema) && typeof schema.$ref === 'string' && !Object.hasOwn(schema, 'properties'))
      schema = followLocalRef(subject, schema.$ref);
    if (!isObject(schema) || MORE_THAN_PROPERTIES.some((keyword) => Object.hasOwn(schema as object, keyword)))
      return null;
    const { properties, additionalProperties } = schema;
    if (!isObject(properties)) return null;
    if (!Object.hasOwn(properties, name))
      return additionalProperties === undefined || additionalProperties === false ? index : null;
    schema = properties[name];
  }
  return path.length;
}

/**
 * Members of the payload that rules read though the subject does not name them. It may allow them, yet most are
 * misspelt; who means them says so by `additionalProperties: true`.
 */
export function lintMembers(definition: WorkflowDefinition): Finding[] {
  const { subject = true } = definition;
  return stagesOf(definition).flatMap(({ stage, pointer }) =>
    inStage(stage, pointer).flatMap((reading) => {
      const unknown = reading.paths.flatMap((path) => {
        const known = declared(subject, path);
        return known === null || known === path.length
          ? []
          : [['payload', ...path.slice(0, known + 1)].join('.')];
      });
      return [...new Set(unknown)].map((path) => ({
        pointer: reading.pointer,
        code: 'unknown-member' as const,
        message: `${stageName(stage)} looks at ${path}, which the subject does not name.`,
      }));
    }),
  );
}
