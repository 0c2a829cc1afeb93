import type { RequestAggregate, RequestFailure, RequestState, Stage } from '../aggregate';
import { approversOf } from './asked-people';
import { MAX_ASSUMED, SimulatedRun } from './simulated-run';
import type { SimulatedApprover, Simulation, SimulationInput } from './simulation';

/** What comes of a stage when a request is played to its end. */
export interface ReplayedStage {
  key: string;
  title: string;
  outcome: 'asked' | 'skipped' | 'failed' | 'not reached';
  /** Why it applies or is skipped; null when it always applies or is not reached. */
  because: string | null;
  /** How many must approve, in words; null when a webhook would have to say who they are. */
  needs: string | null;
  isSequential: boolean;
  approvers: SimulatedApprover[];
  /** Addresses that name further ones. */
  webhooks: string[];
}

/** What comes of a request when it is played to its end. */
export interface ReplayedRequest {
  state: RequestState;
  failure: RequestFailure | null;
  stages: ReplayedStage[];
}

/** Why it applies or is skipped, without "Applies: " and the like. */
function becauseOf(run: SimulatedRun, stage: Stage): string | null {
  if (stage.state === 'skipped') return (stage.explanation ?? '').replace(/^Skipped: /, '');
  return run.notesOf(stage).applies;
}

function outcomeOf({ state, startedAt }: Stage): ReplayedStage['outcome'] {
  if (state === 'skipped') return 'skipped';
  if (startedAt !== null) return 'asked';
  return state === 'failed' ? 'failed' : 'not reached';
}

function replayed(run: SimulatedRun, request: RequestAggregate, input: SimulationInput): ReplayedRequest {
  const stages = request.stages.map((stage, index): ReplayedStage => {
    const outcome = outcomeOf(stage);
    const { webhooks, assumed } = run.notesOf(stage);
    return {
      key: stage.key,
      title: stage.title,
      outcome,
      because: becauseOf(run, stage),
      needs: outcome === 'asked' && !assumed ? stage.explanation : null,
      isSequential: input.definition.stages[index]?.order === 'sequential',
      approvers: approversOf(run, stage),
      webhooks,
    };
  });
  return { state: request.state, failure: request.failure, stages };
}

/**
 * Plays a request to its end. Each given decision is made once that person is asked; where none of them can be made, those
 * who are asked approve. A decision that never can be made is left out.
 */
export function* replayRequest(input: SimulationInput): Simulation<ReplayedRequest> {
  const run = new SimulatedRun(input);
  run.submit();
  yield* run.settle();
  const left = [...input.decisions];
  for (let step = 0; step < MAX_ASSUMED + input.decisions.length; step++) {
    const at = left.findIndex((given) => run.taskOf(given) !== undefined);
    const [given] = at < 0 ? [] : left.splice(at, 1);
    const task = given && run.taskOf(given);
    if (given && task) run.decide(task, given.by, given.decision);
    else if (!run.approveOnce()) break;
    yield* run.settle();
  }
  return replayed(run, run.state, input);
}
