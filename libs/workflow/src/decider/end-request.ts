import type { Person, Stage } from '../aggregate';
import { isRunning } from './progress';
import type { Transition } from './transition';

/** Closes the questions of a stage that nobody needs to answer any more. */
export function closeOpenTasks(transition: Transition, stage: Stage): void {
  for (const task of transition.state.stages[stage.index]?.tasks ?? []) {
    if (task.state === 'open') {
      transition.record('task.closed', { taskId: task.id, stageKey: stage.key, state: 'canceled' });
    }
  }
}

function cancelStages(transition: Transition, which: (stage: Stage) => boolean): void {
  for (const stage of transition.state.stages) {
    if (!which(stage)) continue;
    closeOpenTasks(transition, stage);
    const { key: stageKey, index: stageIndex } = stage;
    transition.record('stage.ended', { stageKey, stageIndex, state: 'canceled', explanation: null });
  }
}

/** A request that ends takes with it whatever has not ended: open tasks and the stages not decided become `canceled`. */
export function cancelWhatIsLeft(transition: Transition): void {
  cancelStages(transition, ({ state }) => state === 'pending' || state === 'active');
}

/** A request that goes back to its requester stops what runs; stages not reached stay pending. */
export function cancelWhatRuns(transition: Transition): void {
  cancelStages(transition, isRunning);
}

/** Fails the request, and with it the stage that it failed in. */
export function failRequest(transition: Transition, code: string, stage: Stage | null, detail: string): void {
  if (stage) {
    closeOpenTasks(transition, stage);
    const { key: stageKey, index: stageIndex } = stage;
    transition.record('stage.ended', { stageKey, stageIndex, state: 'failed', explanation: detail });
  }
  cancelWhatIsLeft(transition);
  transition.record('request.failed', { failure: { code, stage: stage?.key ?? null, detail } });
}

/** Approves the request. Nothing follows an approval yet, so it completes at once. */
export function approveRequest(transition: Transition, explanation: string | null): void {
  transition.record('request.approved', { explanation });
  transition.record('request.completed', {});
}

/** Who said no, or sent it back, and why. */
export interface Answer {
  /** Null for an override. */
  stageKey: string | null;
  decidedBy: Person | null;
  reasonCode: string | null;
  comment: string | null;
}

export function rejectRequest(transition: Transition, answer: Answer): void {
  cancelWhatIsLeft(transition);
  transition.record('request.rejected', answer);
}

export function returnRequest(transition: Transition, answer: Answer): void {
  cancelWhatRuns(transition);
  transition.record('request.returned', answer);
}
