import { decisions, taskStates, type DecisionKind, type TaskState } from '@countersign/contracts';
import { PageQuery } from '@countersign/service-kit';
import { IsIn, IsInt, IsISO8601, IsOptional, IsString, IsUUID, MaxLength, Min } from 'class-validator';

export class DecisionBody {
  @IsIn(decisions) decision: DecisionKind;
  @IsOptional() @IsString() @MaxLength(5_000) comment?: string | null;
  @IsOptional() @IsString() @MaxLength(100) reasonCode?: string | null;
  /** The revision that the person has seen. */
  @IsOptional() @IsInt() @Min(1) revision?: number;
}

export class ListTasksQuery extends PageQuery {
  /** A user's id, externalId or userName. */
  @IsOptional() @IsString() @MaxLength(320) assignee?: string;
  @IsOptional() @IsIn(taskStates) state?: TaskState;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  @IsOptional() @IsUUID() requestId?: string;
  @IsOptional() @IsISO8601({ strict: true }) dueBefore?: string;
}
