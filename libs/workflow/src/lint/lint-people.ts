import { stagesOf, type ApproverSource, type WorkflowDefinition } from '../definition/workflow-definition';
import { canonicalJson } from '../canonical-json';
import { stageWithDefaults } from '../diff/with-defaults';
import { pointerTo } from '../problem';
import { describeSource } from '../wording/describe-source';
import { sourceLists } from './each-source';
import type { LintResult } from './finding';
import { stageName } from './stage-name';

/** Sources that are there already, with their place in the list. */
function repeated(
  sources: readonly ApproverSource[],
  asked: readonly ApproverSource[],
): [ApproverSource, number][] {
  const known = new Set(asked.map(canonicalJson));
  return sources.flatMap((source, index): [ApproverSource, number][] =>
    known.has(canonicalJson(source)) ? [[source, index]] : [],
  );
}

/** Sources that find nobody new. */
export function lintPeople(definition: WorkflowDefinition): LintResult {
  const result: LintResult = { errors: [], warnings: [] };
  for (const { stage, pointer } of stagesOf(definition)) {
    const full = stageWithDefaults(stage);
    const lists = sourceLists(stage, pointer);
    const fallback = lists.find(({ use }) => use === 'fallback');
    if (fallback && typeof full.onNoApprovers === 'object') {
      const again = repeated(full.onNoApprovers.fallback, full.approvers);
      if (again.length === fallback.sources.length) {
        const message = `The fallback of ${stageName(stage)} goes round in a circle: it asks only those who could not be found before.`;
        result.errors.push({ pointer: fallback.pointer, code: 'fallback-cycle', message });
      } else {
        for (const [source, index] of again) {
          const message = `The fallback of ${stageName(stage)} asks ${describeSource(source)} again, who could not be found before.`;
          result.warnings.push({
            pointer: pointerTo(fallback.pointer, index),
            code: 'fallback-cycle',
            message,
          });
        }
      }
    }
    for (const [source, index] of repeated(full.notify, full.approvers)) {
      const message = `${stageName(stage)} informs ${describeSource(source)}, who are asked to decide anyway.`;
      result.warnings.push({
        pointer: `${pointer}/notify/${index}`,
        code: 'notify-repeats-approvers',
        message,
      });
    }
  }
  return result;
}
