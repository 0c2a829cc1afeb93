import type { RequestAggregate } from '../aggregate';
import type { OverrideCommand } from './commands';
import { refuse, type DecideEnv, type Decision } from './decision';
import { approveRequest, cancelWhatIsLeft, rejectRequest } from './end-request';
import { Transition } from './transition';

/** Emergency: ends the review of a request by one person's word, marked in the trail. */
export function overrideRequest(command: OverrideCommand, state: RequestAggregate, env: DecideEnv): Decision {
  if (state.state !== 'submitted' && state.state !== 'pending_review') {
    return refuse('invalid_transition', `A request that is ${state.state} cannot be overridden.`);
  }
  const transition = new Transition(state, env, command.actor);
  const { outcome, reason } = command;
  transition.record('request.overridden', { outcome, reason });
  if (outcome === 'approved') {
    cancelWhatIsLeft(transition);
    approveRequest(transition, 'Approved by emergency override.');
  } else {
    rejectRequest(transition, { stageKey: null, decidedBy: null, reasonCode: null, comment: reason });
  }
  return transition.done();
}
