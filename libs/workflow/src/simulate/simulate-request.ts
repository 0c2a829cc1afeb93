import type { Stage, StageState } from '../aggregate';
import { isFinal } from '../decider/progress';
import { approversOf } from './asked-people';
import { explainStage } from './explain-stage';
import { SimulatedRun } from './simulated-run';
import type {
  GivenDecision,
  ImpossibleDecision,
  SimulatedRequest,
  SimulatedStage,
  Simulation,
  SimulationInput,
} from './simulation';

/** Why nobody can make a decision. */
function whyImpossible(run: SimulatedRun, { stage: key, by }: GivenDecision): string {
  const { state } = run;
  const stage = state.stages.find((one) => one.key === key);
  if (!stage) return `The workflow has no stage ${key}.`;
  if (isFinal(state) || state.state === 'returned') {
    const ended = state.state === 'completed' ? 'approved' : state.state;
    return `The request is already ${ended} when ${by.userName} would decide in the stage ${stage.title}.`;
  }
  if (stage.state === 'pending') {
    return `The stage ${stage.title} has not started when ${by.userName} would decide in it.`;
  }
  if (stage.state !== 'active') return `The stage ${stage.title} is already ${stage.state}.`;
  if (stage.tasks.some(({ decidedBy }) => decidedBy?.id === by.id)) {
    return `${by.userName} has already decided in the stage ${stage.title}.`;
  }
  if (stage.queue.some(({ person, onBehalfOf }) => person.id === by.id || onBehalfOf?.id === by.id)) {
    return `${by.userName} is asked in the stage ${stage.title} only after others have answered.`;
  }
  return `${by.userName} has no open task in the stage ${stage.title}.`;
}

/** What a run has come to; `shown` gives the state that a stage is shown in. */
function simulatedStages(
  run: SimulatedRun,
  { definition }: SimulationInput,
  shown: (stage: Stage) => StageState = ({ state }) => state,
): SimulatedStage[] {
  return definition.stages.map((rule, index) => {
    const stage = run.state.stages[index] as Stage;
    const notes = run.notesOf(stage);
    return {
      key: stage.key,
      title: stage.title,
      state: shown(stage),
      explanation: explainStage(run.state, stage, rule, notes),
      approvers: approversOf(run, stage),
      evidence: notes.evidence,
    };
  });
}

/**
 * Plays a request through the decider. The given decisions are made in their order; what has come of the request then is
 * its state and that of each stage. It goes on from there as if everybody who is asked approved, so that later stages have
 * an explanation and approvers as well: they are shown as `pending`, or `skipped`.
 */
export function* simulateRequest(
  input: SimulationInput,
): Simulation<{ ok: true; request: SimulatedRequest } | { ok: false; impossible: ImpossibleDecision }> {
  const run = new SimulatedRun(input);
  run.submit();
  yield* run.settle();
  for (const [index, given] of input.decisions.entries()) {
    const task = run.taskOf(given);
    if (!task) return { ok: false, impossible: { index, detail: whyImpossible(run, given) } };
    const refused = run.decide(task, given.by, given.decision);
    if (refused) return { ok: false, impossible: { index, detail: refused.detail } };
    yield* run.settle();
  }
  const ahead = run.copy();
  yield* ahead.assumeApprovals();
  const stages = simulatedStages(ahead, input, (stage) => {
    const { state } = run.state.stages[stage.index] as Stage;
    return state === 'pending' && stage.state === 'skipped' ? 'skipped' : state;
  });
  return { ok: true, request: { state: run.state.state, stages } };
}
