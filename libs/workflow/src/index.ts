export type * from './aggregate';
// The definition has one of its own.
export type { QuorumPart } from './aggregate';
export { compileCalendar } from './calendar/compile-calendar';
export { plainCalendar } from './calendar/plain-calendar';
export type { WorkingCalendar } from './calendar/working-calendar';
export type {
  Condition,
  ConditionContext,
  ConditionResult,
  Expression,
  ExpressionResult,
} from './cel/condition';
export { compileDefinition, publishProblems } from './definition/compile-definition';
export type * from './definition/compiled-definition';
export { durationParts, durationToMs } from './definition/duration';
export { parseDefinition, type ParsedDefinition } from './definition/parse-definition';
export { stagesApart } from './definition/stages-apart';
export { MAX_DEFINITION_BYTES, type DefinitionSource } from './definition/read-definition-source';
export * from './definition/workflow-definition';
export { MAX_STAGES, workflowDefinitionSchema } from './definition/workflow-definition.schema';
export { decide } from './decider/approval.decider';
export type { LeftOut, ResolvableSource, SourceRule } from './decider/approver-sources';
export type * from './decider/commands';
export type {
  DecideEnv,
  Decision,
  DomainError,
  DomainErrorCode,
  Effect,
  ResolveApproversEffect,
} from './decider/decision';
export type * from './decider/resolution-evidence';
export { resolutionEvidenceSchema } from './decider/resolution-evidence.schema';
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
export { nextDue } from './decider/due';
export { approvalsNeeded, approvalsReceived, rejectionsReceived } from './decider/quorum';
export type { Problem } from './problem';
export { diffDefinitions } from './diff/diff-definitions';
export type { Difference } from './diff/difference';
export { findingCodes, findingsOf, type Finding, type FindingCode, type LintResult } from './lint/finding';
export { lintDefinition } from './lint/lint-definition';
export type { LintFacts, RefSize } from './lint/lint-facts';
export { refsIn, type NamedRef, type NamedRefs } from './lint/refs-in';
export { replaceUsers, type KeptDefinition, type ReplacedUsers } from './replace/replace-users';
export { describeCondition } from './wording/describe-condition';
export { describePath } from './wording/describe-path';
export { describeDuration } from './wording/describe-duration';
export { describeQuorum, describeRejectRule } from './wording/describe-quorum';
export { describeSource, describeSources, type DescribableSource } from './wording/describe-source';
export { count, list, numeral, sentence } from './wording/phrase';
export { compareReplays } from './simulate/compare-replays';
export { inLockstep } from './simulate/in-lockstep';
export { likelyQuestions } from './simulate/likely-questions';
export {
  previewApprovers,
  type ApproverPreview,
  type PreparedPreview,
  type PreviewedApprover,
  type PreviewInput,
} from './simulate/preview-approvers';
export { replayRequest, type ReplayedRequest, type ReplayedStage } from './simulate/replay-request';
export { simulateRequest } from './simulate/simulate-request';
export type * from './simulate/simulation';
