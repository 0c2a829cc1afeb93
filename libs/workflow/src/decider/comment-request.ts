import type { RequestAggregate } from '../aggregate';
import type { CommentCommand } from './commands';
import type { DecideEnv, Decision } from './decision';
import { Transition } from './transition';

/** Adds a remark to the trail; possible in every state. */
export function commentRequest(command: CommentCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const transition = new Transition(state, env, command.actor);
  transition.record('request.commented', { commentId: command.commentId, text: command.text });
  return transition.done();
}
