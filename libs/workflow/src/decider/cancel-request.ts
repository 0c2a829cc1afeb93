import type { RequestAggregate } from '../aggregate';
import type { CancelCommand } from './commands';
import { refuse, type DecideEnv, type Decision } from './decision';
import { cancelWhatIsLeft } from './end-request';
import { Transition } from './transition';

/** Cancels a request that has not been decided. */
export function cancelRequest(command: CancelCommand, state: RequestAggregate, env: DecideEnv): Decision {
  switch (state.state) {
    case 'draft':
    case 'submitted':
    case 'pending_review':
    case 'returned': {
      const transition = new Transition(state, env, command.actor);
      cancelWhatIsLeft(transition);
      transition.record('request.canceled', { reason: command.reason });
      return transition.done();
    }
    case 'approved':
    case 'completed':
    case 'rejected':
    case 'canceled':
    case 'expired':
    case 'failed':
      return refuse('invalid_transition', `A request that is ${state.state} cannot be canceled.`);
  }
}
