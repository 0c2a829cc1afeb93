import { compileCalendar } from '../calendar/compile-calendar';
import type { WorkingCalendar } from '../calendar/working-calendar';
import { conditionVariables } from '../cel/condition-variables';
import type { Shape } from '../cel/shape';
import type { Problem } from '../problem';
import { compileSubject } from '../subject/subject-schema';
import { compileStage } from './compile-stage';
import type { CompiledDefinition } from './compiled-definition';
import { stagesApart } from './stages-apart';
import { stagesOf, type PlacedStage, type WorkflowDefinition } from './workflow-definition';

const MAX_REVISIONS = 100;

function compileCalendars({ calendars = {} }: WorkflowDefinition): Map<string, WorkingCalendar> {
  return new Map(Object.entries(calendars).map(([name, calendar]) => [name, compileCalendar(calendar)]));
}

/** What conditions may look at, by step: stages of earlier steps only. */
function variablesBySteps({ subject = true }: WorkflowDefinition, placed: PlacedStage[]) {
  const bySteps = new Map<number, Record<string, Shape>>();
  for (const { step } of placed) {
    if (bySteps.has(step)) continue;
    const earlier = placed.filter((other) => other.step < step).map(({ stage }) => stage.key);
    bySteps.set(step, conditionVariables(subject, earlier));
  }
  return bySteps;
}

/** Compiles a definition that `parseDefinition` accepted; throws on any other. */
export function compileDefinition(definition: WorkflowDefinition): CompiledDefinition {
  const { reasonCodes } = definition;
  const placed = stagesOf(definition);
  const calendars = compileCalendars(definition);
  const apart = stagesApart(placed);
  const variables = variablesBySteps(definition, placed);
  return {
    key: definition.key,
    title: definition.title ?? definition.key,
    onNoStage: definition.onNoStage ?? 'fail',
    onChange: definition.onChange ?? 'material',
    maxRevisions: definition.maxRevisions ?? MAX_REVISIONS,
    reasonCodes: {
      approve: reasonCodes?.approve ?? null,
      reject: reasonCodes?.reject ?? null,
      return: reasonCodes?.return ?? null,
    },
    stages: placed.map((each) =>
      compileStage(each, {
        variables: variables.get(each.step) ?? {},
        calendar: calendars.get(each.stage.calendar ?? definition.calendar ?? '') ?? null,
        distinctFrom: apart.get(each.stage.key) ?? [],
      }),
    ),
    validatePayload: compileSubject(definition.subject ?? true),
  };
}

/** How a condition asks whether a member is there: `has()` takes no name that is no identifier. */
function presenceTest(path: string): string {
  const names = path.split('.');
  const name = names.pop() ?? '';
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `has(${path})`;
  return `${JSON.stringify(name)} in ${names.join('.')}`;
}

function unguardedWords(path: string): string {
  // Members of the requester are always there.
  return path.startsWith('requester.')
    ? `${path} may be null: ask first, as in ${path} != null && …`
    : `${path} is optional and may be missing: ask ${presenceTest(path)} first.`;
}

/** What must be put right before a version is published: CEL that fails when an optional field is missing, or null. */
export function publishProblems(compiled: CompiledDefinition): Problem[] {
  return compiled.stages.flatMap(({ unguarded }) =>
    unguarded.map(({ pointer, path }) => ({
      pointer,
      message: unguardedWords(path),
    })),
  );
}
