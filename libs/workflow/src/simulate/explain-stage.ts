import type { RequestAggregate, Stage } from '../aggregate';
import { isFinal } from '../decider/progress';
import type { CompiledStage } from '../definition/compiled-definition';
import { describeQuorum } from '../wording/describe-quorum';
import { list, sentence } from '../wording/phrase';
import type { StageNotes } from './simulated-run';

const ENDS: Partial<Record<Stage['state'], string>> = {
  rejected: 'is rejected',
  returned: 'is returned to the requester',
  expired: 'expires',
  failed: 'fails',
};

/** Why a stage is never asked, from where the request ended. */
function notReached(request: RequestAggregate): string {
  const last = request.stages.find(({ state }) => ENDS[state] !== undefined);
  if (last) return `Not reached: the request ${ENDS[last.state]} at the stage ${last.title}.`;
  return isFinal(request)
    ? `Not reached: the request is ${request.state} before.`
    : 'Not reached: the request waits at an earlier stage.';
}

function asked({ quorum, order }: CompiledStage, stage: Stage, { webhooks, assumed }: StageNotes): string {
  if (webhooks.length === 0) return stage.explanation ?? '';
  const whom = `Whom ${list(webhooks)} ${webhooks.length === 1 ? 'names' : 'name'} is asked when the stage starts`;
  // How many there will be is not known, so only the rule can be told.
  if (!assumed) return `${stage.explanation ?? ''} ${whom}.`;
  const oneByOne = order === 'sequential' ? ', one after another' : '';
  return `Needs ${describeQuorum(quorum)}${oneByOne}. ${whom}.`;
}

/** Why a stage is as a run has left it: whether it applies, who must approve, or why nobody is asked. */
export function explainStage(
  request: RequestAggregate,
  stage: Stage,
  rule: CompiledStage,
  notes: StageNotes,
): string {
  if (stage.state === 'skipped') return stage.explanation ?? 'Skipped.';
  const applies = notes.applies === null ? '' : `${sentence(`Applies: ${notes.applies}`)} `;
  if (stage.explanation === null) return notReached(request);
  if (stage.state === 'failed') return `${applies}Fails: ${stage.explanation}`;
  return `${applies}${stage.startedAt === null ? stage.explanation : asked(rule, stage, notes)}`;
}
