import { decide } from '../decider/approval.decider';
import { askApprovers } from '../decider/ask-approvers';
import { apply } from '../decider/evolve';
import type { Actor } from '../decider/events';
import { Transition } from '../decider/transition';
import type { SimulationInput, SimulationQuestion } from './simulation';
import { submissionOf } from './submission';

const SYSTEM: Actor = { type: 'system', id: null, via: null };

/**
 * What a simulation will probably ask, stage by stage: right unless it depends on who decides before. With these asked
 * together, a workflow of hundreds of stages does not take hundreds of rounds.
 */
export function likelyQuestions(input: SimulationInput): SimulationQuestion[] {
  const { definition, payload, now, newId } = input;
  const env = { definition, payload, now, newId };
  const created = decide({ ...submissionOf(input), draft: true }, null, env);
  const state = created.ok ? apply(null, created.events) : null;
  if (!state) return [];
  return definition.stages.flatMap((_, index) => {
    const stage = state.stages[index];
    if (!stage) return [];
    const transition = new Transition(state, env, SYSTEM);
    askApprovers(transition, stage, { purpose: 'start' });
    return transition.effects;
  });
}
