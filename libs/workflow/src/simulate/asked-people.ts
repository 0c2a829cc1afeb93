import type { Stage } from '../aggregate';
import { sentence } from '../wording/phrase';
import type { SimulatedRun } from './simulated-run';
import type { SimulatedApprover } from './simulation';

/** Whom a stage asks, and why each. */
export function approversOf(run: SimulatedRun, stage: Stage): SimulatedApprover[] {
  return [...run.notesOf(stage).people.values()].map(({ person, why }) => ({
    id: person.id,
    userName: person.userName,
    why: why.map(sentence).join(' '),
  }));
}
