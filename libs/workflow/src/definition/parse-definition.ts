import { measureJson } from '../json-bounds';
import { MAX_PROBLEMS, newAjv, toProblems } from '../json-schema';
import type { Problem } from '../problem';
import { checkSubjectSchema, type SubjectSchema } from '../subject/subject-schema';
import { checkCalendarNames, checkCalendars } from './check-calendars';
import { checkConditions } from './check-conditions';
import { checkDurations } from './check-durations';
import { checkSources } from './check-sources';
import { checkStages } from './check-stages';
import { readDefinitionSource, type DefinitionSource } from './read-definition-source';
import { isObject, uncheckedStages, type Json } from './unchecked-definition';
import type { WorkflowDefinition } from './workflow-definition';
import { MAX_STAGES, workflowDefinitionSchema } from './workflow-definition.schema';

export type ParsedDefinition =
  { ok: true; definition: WorkflowDefinition; text: string } | { ok: false; errors: Problem[] };

/**
 * Up to so many values all violations of the form are told; above, only the first: Ajv copies the list of those that it
 * has found for every further one.
 */
const MAX_VALUES_OF_ALL_ERRORS = 5_000;

const validateAll = newAjv({ verbose: true }).compile(workflowDefinitionSchema);
const validateFirst = newAjv({ verbose: true, allErrors: false }).compile(workflowDefinitionSchema);

function structureProblems(value: unknown): Problem[] {
  const values = measureJson(value);
  const validate =
    typeof values === 'number' && values <= MAX_VALUES_OF_ALL_ERRORS ? validateAll : validateFirst;
  return validate(value) ? [] : toProblems(validate.errors);
}

function subjectOf({ subject }: Json): SubjectSchema | undefined {
  if (subject === undefined) return true;
  return typeof subject === 'boolean' || isObject(subject) ? subject : undefined;
}

/** What the schema cannot tell. */
function meaningProblems(definition: Json): Problem[] {
  const all = uncheckedStages(definition);
  const stages = all.slice(0, MAX_STAGES);
  const subject = subjectOf(definition);
  const faults = subject === undefined ? [] : checkSubjectSchema(subject);
  const trusted = subject !== undefined && faults.length === 0 ? subject : true;
  const calendars = checkCalendars(definition);
  const workOf = (name: unknown) => calendars.workIn.get(String(name)) ?? null;
  return [
    ...faults.map(({ pointer, message }) => ({ pointer: `/subject${pointer}`, message })),
    ...calendars.problems,
    ...checkCalendarNames(definition, stages),
    ...checkStages(all),
    ...stages.flatMap((stage) => [
      ...checkSources(stage),
      ...checkDurations(stage, workOf(stage.value.calendar ?? definition.calendar)),
    ]),
    ...checkConditions(stages, trusted),
  ];
}

/** What has the wrong form need not be told that it makes no sense either. */
function withoutRepetition(structure: Problem[], meaning: Problem[]): Problem[] {
  const malformed = new Set(structure.map(({ pointer }) => pointer));
  const isMalformed = (pointer: string): boolean =>
    malformed.has(pointer) || (pointer !== '' && isMalformed(pointer.slice(0, pointer.lastIndexOf('/'))));
  return [...structure, ...meaning.filter(({ pointer }) => !isMalformed(pointer))];
}

/**
 * Reads and checks a workflow definition at a bounded cost. All violations at once (the first 100; of a very large
 * definition's form only one), with pointers from the definition's root; `text` is what is kept for its author (see `readDefinitionSource`).
 */
export function parseDefinition(source: DefinitionSource): ParsedDefinition {
  const read = readDefinitionSource(source);
  if (!read.ok) return read;
  const structure = structureProblems(read.value);
  const meaning = isObject(read.value) ? meaningProblems(read.value) : [];
  const errors = withoutRepetition(structure, meaning);
  if (errors.length > 0) return { ok: false, errors: errors.slice(0, MAX_PROBLEMS) };
  return { ok: true, definition: read.value as WorkflowDefinition, text: read.text };
}
