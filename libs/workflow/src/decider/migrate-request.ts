import type { RequestAggregate, Stage } from '../aggregate';
import type { CompiledDefinition, CompiledStage } from '../definition/compiled-definition';
import type { MigrateCommand } from './commands';
import { NOTHING, refuse, type DecideEnv, type Decision } from './decision';
import { isFinal, isRunning } from './progress';
import { Transition } from './transition';

/** Rules that the open tasks of a stage were made by, as a text; conditions count by their text. */
function rulesInForce(stage: CompiledStage): string {
  const { approvers, order, quorum, reject, selfApproval, distinctFrom, onNoApprovers, escalate, expire } =
    stage;
  return JSON.stringify([
    approvers,
    order,
    quorum,
    reject,
    selfApproval,
    distinctFrom,
    onNoApprovers,
    escalate,
    expire,
  ]);
}

function incompatibility(
  stages: readonly Stage[],
  current: CompiledDefinition,
  target: CompiledDefinition,
): string | null {
  const places = new Map(target.stages.map((stage) => [stage.key, stage]));
  const reached = stages.filter((stage) => stage.state !== 'pending' || isRunning(stage));
  let last = -1;
  let lastStep = -1;
  for (const stage of reached) {
    const there = places.get(stage.key);
    const here = current.stages[stage.index];
    if (!there || !here) return `it has no stage ${stage.key}, which the request has reached`;
    const isSameStep = here.step === lastStep;
    if (isSameStep ? there.step !== last : there.step <= last)
      return `the stage ${stage.key} stands at another place in it`;
    if (isRunning(stage) && rulesInForce(here) !== rulesInForce(there))
      return `the running stage ${stage.key} has other rules in it`;
    last = there.step;
    lastStep = here.step;
  }
  const keys = new Set(reached.map(({ key }) => key));
  const before = target.stages.find(({ key, step }) => !keys.has(key) && step <= last);
  return before ? `its stage ${before.key} comes before one that the request has reached` : null;
}

/** Moves a request to another version of its workflow, if what has happened so far would fit that version too. */
export function migrateRequest(command: MigrateCommand, state: RequestAggregate, env: DecideEnv): Decision {
  if (isFinal(state))
    return refuse('invalid_transition', `A request that is ${state.state} cannot be moved.`);
  const { version, target } = command;
  if (version === state.workflow.version) return NOTHING;
  const [misfit] = target.validatePayload(env.payload);
  const reason = misfit
    ? `the payload does not fit it (${misfit.pointer}: ${misfit.message})`
    : incompatibility(state.stages, env.definition, target);
  if (reason !== null) {
    return refuse('version_incompatible', `The request cannot be moved to version ${version}: ${reason}.`);
  }
  const indexes = new Map(state.stages.map(({ key, index }) => [key, index]));
  const stages = target.stages.map(({ key, title }) => ({ key, title, from: indexes.get(key) ?? null }));
  const transition = new Transition(state, env, command.actor);
  transition.record('request.migrated', { from: state.workflow.version, to: version, stages });
  return transition.done();
}
