import type {
  Person,
  RequestAggregate,
  RequestState,
  ResolutionPurpose,
  Requester,
  StageState,
  TaskDecision,
} from '../aggregate';
import type { ApproversResolvedCommand } from '../decider/commands';
import type { ResolveApproversEffect } from '../decider/decision';
import type { ResolutionEvidence } from '../decider/resolution-evidence';
import type { CompiledDefinition } from '../definition/compiled-definition';

/** What somebody answers in a stage. */
export interface GivenDecision {
  stage: string;
  by: Person;
  decision: TaskDecision;
}

/** A request that is played through. Times are RFC 3339 in UTC with milliseconds. */
export interface SimulationInput {
  definition: CompiledDefinition;
  payload: unknown;
  requester: Requester;
  workflow: RequestAggregate['workflow'];
  title: string;
  reason: string | null;
  decisions: readonly GivenDecision[];
  now: string;
  newId: () => string;
}

/** Who is asked in a stage; `why` is whole sentences. */
export interface SimulatedApprover {
  id: string;
  userName: string;
  why: string;
}

/** What the directory was asked for a stage, and what its answer rests on. */
export interface SimulatedEvidence extends ResolutionEvidence {
  purpose: ResolutionPurpose;
}

export interface SimulatedStage {
  key: string;
  title: string;
  state: StageState;
  explanation: string;
  /** In the order in which they are asked. */
  approvers: SimulatedApprover[];
  /** Of each answer that the stage was given, in their order. */
  evidence: SimulatedEvidence[];
}

export interface SimulatedRequest {
  state: RequestState;
  stages: SimulatedStage[];
}

/** A given decision that nobody could make: which one, and why in a sentence. */
export interface ImpossibleDecision {
  index: number;
  detail: string;
}

export type SimulationQuestion = ResolveApproversEffect;
export type SimulationAnswer = ApproversResolvedCommand['outcome'];

/**
 * A simulation under way: it asks who must approve, as many questions at once as there are, and goes on with the answers
 * in their order. Now and then it asks nothing, so that a long one does not keep others waiting.
 */
export type Simulation<Result> = Generator<SimulationQuestion[], Result, SimulationAnswer[]>;
