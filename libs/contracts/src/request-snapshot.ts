import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Min,
  ValidateNested,
} from 'class-validator';
import { Person } from './person';
import {
  decisions,
  requestStates,
  stageStates,
  taskStates,
  type DecisionKind,
  type RequestState,
  type StageState,
  type TaskState,
} from './states';

export class WorkflowRef {
  @IsUUID() id: string;
  @IsString() key: string;
  @IsInt() version: number;
}

export class TaskSnapshot {
  @IsUUID() id: string;
  @IsUUID() requestId: string;
  @IsString() stageKey: string;
  @IsIn(taskStates) state: TaskState;
  @ValidateNested() @Type(() => Person) assignee: Person;
  @IsOptional() @ValidateNested() @Type(() => Person) onBehalfOf: Person | null;
  @IsInt() revision: number;
  @IsOptional() @IsISO8601() dueAt: string | null;
  @IsOptional() @IsIn(decisions) decision: DecisionKind | null;
  @IsOptional() @ValidateNested() @Type(() => Person) decidedBy: Person | null;
  @IsOptional() @IsString() reasonCode: string | null;
  @IsOptional() @IsString() comment: string | null;
  @IsOptional() @IsISO8601() decidedAt: string | null;
  /** Of an earlier round, or dismissed: it does not count any more. Left out means false. */
  @IsOptional() @IsBoolean() past?: boolean;
}

export class QuorumSnapshot {
  @IsInt() approvals: number;
  @IsInt() received: number;
  @IsInt() rejections: number;
}

export class StageSnapshot {
  @IsInt() @Min(0) index: number;
  @IsString() key: string;
  @IsString() title: string;
  @IsIn(stageStates) state: StageState;
  @ValidateNested() @Type(() => QuorumSnapshot) quorum: QuorumSnapshot;
  @IsOptional() @IsISO8601() startedAt: string | null;
  @IsOptional() @IsISO8601() dueAt: string | null;
  @IsOptional() @IsISO8601() endedAt: string | null;
  @IsOptional() @IsString() explanation: string | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => TaskSnapshot) tasks: TaskSnapshot[];
}

/** A stage that the request has not reached. How many approvals it needs may depend on who is found, so it says 0. */
export const pendingStageSnapshot = (index: number, key: string, title: string): StageSnapshot => ({
  index,
  key,
  title,
  state: 'pending',
  quorum: { approvals: 0, received: 0, rejections: 0 },
  startedAt: null,
  dueAt: null,
  endedAt: null,
  explanation: null,
  tasks: [],
});

export class Failure {
  @IsString() code: string;
  @IsOptional() @IsString() stage: string | null;
  @IsString() detail: string;
}

/**
 * A request as it is after a transition, without its payload, which travels once per revision.
 * Carries what subscribers need of people (`externalId`, mail); `requestView` leaves that out.
 */
export class RequestSnapshot {
  @IsUUID() id: string;
  @IsUUID() workspaceId: string;
  @ValidateNested() @Type(() => WorkflowRef) workflow: WorkflowRef;
  @IsIn(requestStates) state: RequestState;
  @IsString() title: string;
  @IsOptional() @IsString() reason: string | null;
  @ValidateNested() @Type(() => Person) requester: Person;
  @IsOptional() @IsString() externalRef: string | null;
  @IsObject() metadata: Record<string, unknown>;
  @IsInt() revision: number;
  /** Whose payload is the newest: one further than `revision` while a draft or a returned request is edited. */
  @IsInt() payloadRevision: number;
  @IsInt() version: number;
  @IsInt() stageIndex: number;
  @IsInt() totalStages: number;
  @IsBoolean() overridden: boolean;
  @IsArray() @ValidateNested({ each: true }) @Type(() => StageSnapshot) stages: StageSnapshot[];
  @IsOptional() @ValidateNested() @Type(() => Failure) failure: Failure | null;
  @IsISO8601() createdAt: string;
  @IsOptional() @IsISO8601() submittedAt: string | null;
  @IsOptional() @IsISO8601() decidedAt: string | null;
  @IsOptional() @IsISO8601() completedAt: string | null;
}
