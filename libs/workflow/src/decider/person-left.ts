import type { RequestAggregate, Task } from '../aggregate';
import { askApprovers } from './ask-approvers';
import type { PersonLeftCommand } from './commands';
import { NOTHING, type DecideEnv, type Decision } from './decision';
import { isFinal } from './progress';
import { Transition } from './transition';

/**
 * Takes the open tasks of somebody who is gone, those that they hold for others or others for them too, and asks the
 * stage's sources again who approves: they say whose the vote is now.
 */
export function personLeft(command: PersonLeftCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const transition = new Transition(state, env, command.actor);
  for (const { index: stageIndex, key: stageKey } of state.stages) {
    const stage = transition.state.stages[stageIndex];
    if (stage?.state !== 'active') continue;
    const isTheirs = ({ assignee, onBehalfOf }: Task) =>
      assignee.id === command.personId || onBehalfOf?.id === command.personId;
    const open = stage.tasks.filter((task) => task.state === 'open' && isTheirs(task));
    const queue = stage.queue.filter(
      ({ person, onBehalfOf }) => person.id !== command.personId && onBehalfOf?.id !== command.personId,
    );
    if (open.length === 0 && queue.length === stage.queue.length) continue;
    for (const task of open) {
      transition.record('task.closed', { taskId: task.id, stageKey, state: 'canceled' });
    }
    if (queue.length < stage.queue.length) {
      transition.record('stage.queue_changed', { stageKey, stageIndex, queue });
    }
    askApprovers(transition, transition.state.stages[stageIndex] ?? stage, { purpose: 'refill' });
    if (isFinal(transition.state)) break;
  }
  return transition.events.length > 0 ? transition.done() : NOTHING;
}
