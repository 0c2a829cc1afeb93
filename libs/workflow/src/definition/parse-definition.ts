import { conditionVariables } from '../cel/condition-variables';
import { compileCondition } from '../cel/condition';
import { newAjv, toProblems } from '../json-schema';
import { pointerTo, type Problem } from '../problem';
import { checkSubjectSchema, type SubjectSchema } from '../subject/subject-schema';
import { durationToMs } from './duration';
import { readDefinitionSource, type DefinitionSource } from './read-definition-source';
import { unsupportedFeatures } from './unsupported-features';
import type { WorkflowDefinition } from './workflow-definition';
import { workflowDefinitionSchema } from './workflow-definition.schema';

export type ParsedDefinition =
  { ok: true; definition: WorkflowDefinition; text: string } | { ok: false; errors: Problem[] };

/** The longest that one attempt at a resolver webhook may take. */
const MAX_WEBHOOK_TIMEOUT_MS = 60_000;

const validateStructure = newAjv().compile(workflowDefinitionSchema);

type Json = Record<string, unknown>;

function objects(list: unknown): [Json, number][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown, index): [Json, number][] =>
    typeof item === 'object' && item !== null && !Array.isArray(item) ? [[item as Json, index]] : [],
  );
}

function structureProblems(value: unknown): Problem[] {
  const unsupported = unsupportedFeatures(value);
  if (validateStructure(value)) return unsupported;
  const named = new Set(unsupported.map(({ pointer }) => pointer));
  // A parallel group lacks what only a single stage has: that it is not supported says it all.
  for (const pointer of [...named].filter((pointer) => pointer.endsWith('/parallel'))) {
    const stage = pointer.slice(0, -'/parallel'.length);
    named.add(`${stage}/key`).add(`${stage}/approvers`);
  }
  return [
    ...unsupported,
    ...toProblems(validateStructure.errors).filter(({ pointer }) => !named.has(pointer)),
  ];
}

function duplicateKeys(stages: [Json, number][]): Problem[] {
  const first = new Map<unknown, number>();
  const problems: Problem[] = [];
  for (const [stage, index] of stages) {
    if (typeof stage.key !== 'string') continue;
    const earlier = first.get(stage.key);
    if (earlier === undefined) first.set(stage.key, index);
    else {
      const message = `The key ${JSON.stringify(stage.key)} is already used by stage ${earlier + 1}.`;
      problems.push({ pointer: `/stages/${index}/key`, message });
    }
  }
  return problems;
}

function webhookProblems(webhook: Json, pointer: string): Problem[] {
  const problems: Problem[] = [];
  if (typeof webhook.url === 'string') {
    const url = URL.canParse(webhook.url) ? new URL(webhook.url) : null;
    if (!url || !['http:', 'https:'].includes(url.protocol)) {
      problems.push({ pointer: `${pointer}/url`, message: 'Must be an absolute http or https address.' });
    } else if (url.username !== '' || url.password !== '') {
      problems.push({ pointer: `${pointer}/url`, message: 'Must not hold credentials.' });
    }
  }
  if (typeof webhook.timeout === 'string') {
    const ms = durationToMs(webhook.timeout);
    if (ms === null || ms <= 0 || ms > MAX_WEBHOOK_TIMEOUT_MS) {
      const message =
        'Must be an ISO 8601 duration of more than nothing and at most 60 seconds, such as PT10S.';
      problems.push({ pointer: `${pointer}/timeout`, message });
    }
  }
  return problems;
}

function sourceProblems(stage: Json, pointer: string): Problem[] {
  const fallback = (stage.onNoApprovers as Json | null | undefined)?.fallback;
  const lists: [unknown, string][] = [
    [stage.approvers, `${pointer}/approvers`],
    [fallback, `${pointer}/onNoApprovers/fallback`],
  ];
  return lists.flatMap(([list, at]) =>
    objects(list).flatMap(([source, index]) => {
      const webhook = source.webhook;
      return typeof webhook === 'object' && webhook !== null
        ? webhookProblems(webhook as Json, `${pointerTo(at, index)}/webhook`)
        : [];
    }),
  );
}

function subjectOf(value: Json): SubjectSchema | undefined {
  const { subject } = value;
  if (subject === undefined) return true;
  const usable =
    typeof subject === 'boolean' ||
    (typeof subject === 'object' && subject !== null && !Array.isArray(subject));
  return usable ? (subject as SubjectSchema) : undefined;
}

/** Earlier stages only: what comes later is always pending. */
function conditionProblems(stages: [Json, number][], subject: SubjectSchema): Problem[] {
  const keys = stages.map(([stage]) => stage.key).filter((key) => typeof key === 'string');
  return stages.flatMap(([stage, index]) => {
    if (typeof stage.when !== 'string' || stage.when === '') return [];
    const own = typeof stage.key === 'string' ? keys.indexOf(stage.key) : -1;
    const compiled = compileCondition(
      stage.when,
      conditionVariables(subject, own < 0 ? keys : keys.slice(0, own)),
    );
    if (compiled.ok) return [];
    return compiled.messages.map((message) => ({ pointer: `/stages/${index}/when`, message }));
  });
}

/**
 * Reads and checks a workflow definition at a bounded cost. All violations at once, with pointers from the
 * definition's root; `text` is what is kept for its author (see `readDefinitionSource`).
 */
export function parseDefinition(source: DefinitionSource): ParsedDefinition {
  const read = readDefinitionSource(source);
  if (!read.ok) return read;
  const errors = structureProblems(read.value);
  if (typeof read.value === 'object' && read.value !== null && !Array.isArray(read.value)) {
    const value = read.value as Json;
    const stages = objects(value.stages).slice(0, workflowDefinitionSchema.properties.stages.maxItems);
    errors.push(...duplicateKeys(stages));
    errors.push(...stages.flatMap(([stage, index]) => sourceProblems(stage, `/stages/${index}`)));
    const subject = subjectOf(value);
    const faults = subject === undefined ? [] : checkSubjectSchema(subject);
    errors.push(...faults.map(({ pointer, message }) => ({ pointer: `/subject${pointer}`, message })));
    const trusted = subject !== undefined && faults.length === 0;
    errors.push(...conditionProblems(stages, trusted ? subject : true));
  }
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, definition: read.value as WorkflowDefinition, text: read.text };
}
