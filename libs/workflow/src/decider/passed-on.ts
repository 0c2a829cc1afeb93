import type { Stage } from '../aggregate';
import { voterOfTask } from './open-tasks';

/**
 * Tells, by whose vote it is, who of those before has passed the task on or was replaced: it does not come back to them
 * because they stand in for whoever has it now. User ids.
 */
export function whoPassedOn(stage: Stage): (voter: string) => Set<string> {
  const passedTo = new Map<string, { by: string; voter: string }[]>();
  for (const task of stage.tasks) {
    const { state, passedBy, passedTo: to } = task;
    if (state !== 'reassigned' || passedBy === undefined || to === null) continue;
    const before = passedTo.get(to) ?? [];
    before.push({ by: passedBy, voter: voterOfTask(task) });
    passedTo.set(to, before);
  }
  return (voter) => {
    const givers = new Set<string>();
    const heirs = new Set([voter]);
    // Grows as it is walked: whoever passed it on may have got it by the same way.
    for (const heir of heirs) {
      for (const before of passedTo.get(heir) ?? []) {
        givers.add(before.by);
        heirs.add(before.voter);
      }
    }
    givers.delete(voter);
    return givers;
  };
}
