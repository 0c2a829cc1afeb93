import { stagesOf, type ApproverSource, type WorkflowDefinition } from '../definition/workflow-definition';
import { canonicalJson } from '../canonical-json';
import { stageWithDefaults } from '../diff/with-defaults';
import { pointerTo } from '../problem';
import { describeSource } from '../wording/describe-source';
import { sourceLists } from './each-source';
import type { Finding, LintResult } from './finding';
import { refsIn } from './refs-in';
import { stageName } from './stage-name';

/** What the directory said of what `refsIn` named. Refs as they are written in the definition. */
export interface LintFacts {
  unknownUsers: string[];
  unknownGroups: string[];
}

function unknownRefs(definition: WorkflowDefinition, facts: LintFacts): Finding[] {
  const { users, groups } = refsIn(definition);
  const [badUsers, badGroups] = [new Set(facts.unknownUsers), new Set(facts.unknownGroups)];
  return [
    ...users
      .filter(({ ref }) => badUsers.has(ref))
      .map(({ ref, pointer }) => ({
        pointer,
        code: 'unknown-user' as const,
        message: `The user ${ref} is nobody in the directory, or more than one person.`,
      })),
    ...groups
      .filter(({ ref }) => badGroups.has(ref))
      .map(({ ref, pointer }) => ({
        pointer,
        code: 'unknown-group' as const,
        message: `The group ${ref} is not in the directory, or there is more than one.`,
      })),
  ];
}

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

/** Sources that find nobody new, and refs that the directory does not know. */
export function lintPeople(definition: WorkflowDefinition, facts?: LintFacts): LintResult {
  const result: LintResult = { errors: facts ? unknownRefs(definition, facts) : [], warnings: [] };
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
