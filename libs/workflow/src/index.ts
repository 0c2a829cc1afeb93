export type * from './aggregate';
export type { Condition, ConditionContext, ConditionResult } from './cel/condition';
export {
  compileDefinition,
  publishProblems,
  type CompiledDefinition,
  type CompiledStage,
} from './definition/compile-definition';
export { durationToMs } from './definition/duration';
export { parseDefinition, type ParsedDefinition } from './definition/parse-definition';
export { MAX_DEFINITION_BYTES, type DefinitionSource } from './definition/read-definition-source';
export type * from './definition/workflow-definition';
export { MAX_STAGES, workflowDefinitionSchema } from './definition/workflow-definition.schema';
export { decide } from './decider/approval.decider';
export type { LeftOut, ResolvableSource } from './decider/approver-sources';
export type * from './decider/commands';
export type {
  DecideEnv,
  Decision,
  DomainError,
  DomainErrorCode,
  Effect,
  ResolveApproversEffect,
} from './decider/decision';
export { apply, evolve } from './decider/evolve';
export {
  isPublicEvent,
  PUBLIC_EVENT_TYPES,
  type Actor,
  type DomainEvent,
  type EventData,
  type EventType,
  type PublicEvent,
  type PublicEventType,
} from './decider/events';
export { currentApprovers, initialStages, isFinal, stageIndex, totalStages } from './decider/progress';
export { approvalsReceived, rejectionsReceived } from './decider/quorum';
export type { Problem } from './problem';
