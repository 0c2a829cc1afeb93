import type {
  Person,
  RequestAggregate,
  RequestState,
  Requester,
  StageState,
  TaskDecision,
} from '../aggregate';
import type { ApproversResolvedCommand } from '../decider/commands';
import type { ResolveApproversEffect } from '../decider/decision';
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

export interface SimulatedStage {
  key: string;
  title: string;
  state: StageState;
  explanation: string;
  /** In the order in which they are asked. */
  approvers: SimulatedApprover[];
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
 * in their order.
 */
export type Simulation<Result> = Generator<SimulationQuestion[], Result, SimulationAnswer[]>;
