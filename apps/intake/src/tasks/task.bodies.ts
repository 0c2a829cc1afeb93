import { decisions, taskStates, type DecisionKind, type TaskState } from '@countersign/contracts';
import { IsTime, PageQuery } from '@countersign/service-kit';
import {
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';

export class DecisionBody {
  @IsIn(decisions) decision: DecisionKind;
  @IsOptional() @IsString() @MaxLength(5_000) comment?: string | null;
  /** A code, not a text: it stands in the trail for ever. */
  @IsOptional()
  @Matches(/^[A-Za-z0-9._-]{1,64}$/, { message: '$property must be a code of letters, digits, dots, dashes' })
  reasonCode?: string | null;
  /** The revision that the person has seen. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) revision?: number;
}

export class ReassignBody {
  /** A user's id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(320) to: string;
  @IsOptional() @IsString() @MaxLength(2_000) reason?: string | null;
}

export class ListTasksQuery extends PageQuery {
  /** A user's id, externalId or userName. */
  @IsOptional() @IsString() @MaxLength(320) assignee?: string;
  @IsOptional() @IsIn(taskStates) state?: TaskState;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  @IsOptional() @IsUUID() requestId?: string;
  @IsOptional() @IsTime() dueBefore?: string;
}
