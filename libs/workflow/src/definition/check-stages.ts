import { pointerTo, type Problem } from '../problem';
import type { UncheckedStage } from './unchecked-definition';
import { MAX_STAGES } from './workflow-definition.schema';

function stepOfKeys(stages: UncheckedStage[]): Map<unknown, number> {
  const steps = new Map<unknown, number>();
  for (const { value, step } of stages) if (!steps.has(value.key)) steps.set(value.key, step);
  return steps;
}

function duplicateKeys(stages: UncheckedStage[]): Problem[] {
  const first = new Map<string, number>();
  return stages.flatMap(({ value: { key }, pointer }, index) => {
    if (typeof key !== 'string') return [];
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, index);
      return [];
    }
    const message = `The key ${JSON.stringify(key)} is already used by stage ${earlier + 1}.`;
    return [{ pointer: `${pointer}/key`, message }];
  });
}

function distinctFromProblems(stages: UncheckedStage[]): Problem[] {
  const steps = stepOfKeys(stages);
  return stages.flatMap(({ value, pointer, step }) => {
    if (!Array.isArray(value.distinctFrom)) return [];
    return value.distinctFrom.flatMap((key: unknown, index): Problem[] => {
      if (typeof key !== 'string') return [];
      const at = pointerTo(`${pointer}/distinctFrom`, index);
      const other = steps.get(key);
      if (other === undefined) return [{ pointer: at, message: `There is no stage ${JSON.stringify(key)}.` }];
      if (other < step) return [];
      const message =
        key === value.key
          ? 'A stage cannot be distinct from itself.'
          : `Must name a stage of an earlier step: ${key} is not over when this one starts.`;
      return [{ pointer: at, message }];
    });
  });
}

/** What is wrong among the stages: too many of them, keys used twice, `distinctFrom` of what is not earlier. */
export function checkStages(stages: UncheckedStage[]): Problem[] {
  if (stages.length > MAX_STAGES)
    return [{ pointer: '/stages', message: `Must have at most ${MAX_STAGES} stages.` }];
  return [...duplicateKeys(stages), ...distinctFromProblems(stages)];
}
