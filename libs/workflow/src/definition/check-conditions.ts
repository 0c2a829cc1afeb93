import { compileCondition } from '../cel/compile-condition';
import { conditionVariables } from '../cel/condition-variables';
import { compileExpression } from '../cel/compile-expression';
import type { Shape } from '../cel/shape';
import type { Problem } from '../problem';
import type { SubjectSchema } from '../subject/subject-schema';
import { rowsOf, uncheckedSources, type UncheckedStage } from './unchecked-definition';

interface Cel {
  kind: 'condition' | 'expression';
  text: unknown;
  pointer: string;
}

function celOf(stage: UncheckedStage): Cel[] {
  const { value, pointer } = stage;
  return [
    { kind: 'condition', text: value.when, pointer: `${pointer}/when` },
    ...uncheckedSources(stage).flatMap((source): Cel[] => [
      { kind: 'expression', text: source.value.expression, pointer: `${source.pointer}/expression` },
      ...rowsOf(source).map((row): Cel => ({
        kind: 'condition',
        text: row.value.when,
        pointer: `${row.pointer}/when`,
      })),
    ]),
  ];
}

function celProblems({ kind, text, pointer }: Cel, variables: Record<string, Shape>): Problem[] {
  if (typeof text !== 'string' || text === '') return [];
  const compiled =
    kind === 'condition' ? compileCondition(text, variables) : compileExpression(text, variables);
  return compiled.ok ? [] : compiled.messages.map((message) => ({ pointer, message }));
}

/** What is wrong with the CEL of all stages. Stages of earlier steps may be looked at: what comes later is always pending. */
export function checkConditions(stages: UncheckedStage[], subject: SubjectSchema): Problem[] {
  const problems: Problem[] = [];
  let step = -1;
  let variables = conditionVariables(subject, []);
  for (const stage of stages) {
    if (stage.step !== step) {
      step = stage.step;
      const earlier = stages.filter((other) => other.step < step).map(({ value }) => value.key);
      variables = conditionVariables(
        subject,
        earlier.filter((key) => typeof key === 'string'),
      );
    }
    for (const cel of celOf(stage)) problems.push(...celProblems(cel, variables));
  }
  return problems;
}
