import type { Stage } from '../aggregate';
import type { Transition } from './transition';

/** Closes the questions of a stage that nobody needs to answer any more. */
export function closeOpenTasks(transition: Transition, stage: Stage): void {
  for (const task of stage.tasks) {
    if (task.state === 'open') {
      transition.record('task.closed', { taskId: task.id, stageKey: stage.key, state: 'canceled' });
    }
  }
}

/** A request that ends takes with it whatever has not ended: open tasks and the stages not decided become `canceled`. */
export function cancelWhatIsLeft(transition: Transition): void {
  for (const stage of transition.state.stages) {
    if (stage.state !== 'pending' && stage.state !== 'active') continue;
    closeOpenTasks(transition, stage);
    const { key: stageKey, index: stageIndex } = stage;
    transition.record('stage.ended', { stageKey, stageIndex, state: 'canceled', explanation: null });
  }
}

/** Fails the request, and with it the stage that it failed in. */
export function failRequest(transition: Transition, code: string, stage: Stage | null, detail: string): void {
  if (stage) {
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
