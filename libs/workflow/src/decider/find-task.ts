import type { RequestAggregate, Stage, Task } from '../aggregate';

/** A task of any round, with its stage. */
export function findTask(state: RequestAggregate, taskId: string): { stage: Stage; task: Task } | null {
  for (const stage of state.stages) {
    const task = [...stage.tasks, ...stage.past].find(({ id }) => id === taskId);
    if (task) return { stage, task };
  }
  return null;
}
