import type { RequestAggregate } from '../aggregate';
import type { HandInCommand, SubmitCommand } from './commands';
import { refuse, type DecideEnv, type Decision } from './decision';
import { routeOn } from './route-stages';
import { Transition } from './transition';

/** Creates a request and, unless it is a draft, routes it to its first stage. */
export function submitRequest(
  command: SubmitCommand,
  state: RequestAggregate | null,
  env: DecideEnv,
): Decision {
  if (state) return refuse('invalid_transition', 'The request exists already.');
  // It was handed in when the call was taken, and that is what the call's answer said.
  const transition = new Transition(null, { ...env, now: command.createdAt }, command.actor);
  transition.record('request.created', {
    request: {
      id: command.requestId,
      workspaceId: command.workspaceId,
      workflow: command.workflow,
      title: command.title,
      reason: command.reason,
      requester: command.requester,
      externalRef: command.externalRef,
      metadata: command.metadata,
      revision: 1,
      payloadRevision: 1,
      overridden: false,
      createdAt: command.createdAt,
    },
    stages: env.definition.stages.map(({ key, title }) => ({ key, title })),
  });
  if (!command.draft) {
    transition.record('request.submitted', { revision: 1 });
    routeOn(transition, null);
  }
  return transition.done();
}

/** Hands in a draft, or a returned request for another round, in which every stage starts anew. */
export function handIn(command: HandInCommand, state: RequestAggregate, env: DecideEnv): Decision {
  if (state.state !== 'draft' && state.state !== 'returned') {
    return refuse('invalid_transition', `A request that is ${state.state} cannot be submitted.`);
  }
  const transition = new Transition(state, env, command.actor);
  transition.record('request.submitted', { revision: state.payloadRevision });
  routeOn(transition, null);
  return transition.done();
}
