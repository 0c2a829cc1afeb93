import type { Resolution, Stage } from '../aggregate';
import type { CompiledSource, CompiledStage } from '../definition/compiled-definition';

/** Sources of a stage's definition, and where in it they stand, such as `escalate.1.to`. */
export interface AskedSources {
  place: string;
  sources: readonly CompiledSource[];
}

/** What a question of a stage asks for. */
export function askedSources(
  { approvers, escalate: escalations, notify, onNoApprovers }: CompiledStage,
  stage: Stage,
  { purpose, escalation }: Pick<Resolution, 'purpose' | 'escalation'>,
): AskedSources {
  switch (purpose) {
    case 'notify':
      return { place: 'notify', sources: notify };
    case 'escalate': {
      const { place, to } = escalations[escalation ?? 0] ?? { place: 0, to: [] };
      return { place: `escalate.${place}.to`, sources: to };
    }
    case 'delegate':
      return { place: 'delegations', sources: [] };
    case 'start':
    case 'refill':
    case 'fallback': {
      const isFallback = purpose === 'fallback' || stage.fallback;
      return isFallback && typeof onNoApprovers === 'object'
        ? { place: 'onNoApprovers.fallback', sources: onNoApprovers.fallback }
        : { place: 'approvers', sources: approvers };
    }
  }
}
