import type { RequestAggregate } from '../aggregate';
import { approversResolved } from './approvers-resolved';
import { cancelRequest } from './cancel-request';
import { commentRequest } from './comment-request';
import type { Command } from './commands';
import { decideTask } from './decide-task';
import { delegationsChanged } from './delegations-changed';
import { refuse, type DecideEnv, type Decision } from './decision';
import { migrateRequest } from './migrate-request';
import { overrideRequest } from './override-request';
import { personLeft } from './person-left';
import { reviseRequest } from './revise-request';
import { handIn, submitRequest } from './submit-request';
import { reassignTask, remindTask } from './task-commands';
import { tick } from './tick';

/**
 * What a command does to a request: the events to apply in one step and the effects to carry out after it, or the
 * refusal. The lifecycle as a pure function; the real run and every preview of it use this one. Refusals are checked
 * in the order not found, input, person, version, state.
 */
export function decide(command: Command, state: RequestAggregate | null, env: DecideEnv): Decision {
  if (command.type === 'submit') return submitRequest(command, state, env);
  if (state === null) return refuse('not_found', 'There is no such request.');
  // These have input and person to check before the version.
  if (command.type === 'decideTask') return decideTask(command, state, env);
  if (command.type === 'reassign') return reassignTask(command, state, env);
  if (command.type === 'remind') return remindTask(command, state, env);
  if (command.expectedVersion !== undefined && command.expectedVersion !== state.version) {
    return refuse('version_mismatch', `The request is at version ${state.version}.`);
  }
  switch (command.type) {
    case 'handIn':
      return handIn(command, state, env);
    case 'revise':
      return reviseRequest(command, state, env);
    case 'approversResolved':
      return approversResolved(command, state, env);
    case 'comment':
      return commentRequest(command, state, env);
    case 'cancel':
      return cancelRequest(command, state, env);
    case 'override':
      return overrideRequest(command, state, env);
    case 'migrate':
      return migrateRequest(command, state, env);
    case 'tick':
      return tick(command, state, env);
    case 'personLeft':
      return personLeft(command, state, env);
    case 'delegationsChanged':
      return delegationsChanged(command, state, env);
  }
}
