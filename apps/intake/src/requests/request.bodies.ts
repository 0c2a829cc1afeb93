import { IsTime, PageQuery } from '@countersign/service-kit';
import { requestStates, type RequestState } from '@countersign/contracts';
import {
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { HasText } from './has-text';

export class SubmitRequestBody {
  @IsString() @IsNotEmpty() @MaxLength(100) workflow: string;
  @JSONSchema({ description: 'One that is or was published; by default the one that is published now.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  workflowVersion?: number;
  @IsString() @IsNotEmpty() @HasText() @MaxLength(300) title: string;
  @IsOptional() @IsString() @MaxLength(5_000) reason?: string | null;
  /** A user's id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(320) requester: string;
  /** Fits the `subject` of the workflow; any JSON value. */
  @IsDefined() payload: unknown;
  @IsOptional() @IsString() @MaxLength(255) externalRef?: string | null;
  @IsOptional() @IsObject() metadata?: Record<string, unknown>;
  @JSONSchema({ description: 'Kept until it is submitted; only then its payload must fit the workflow.' })
  @IsOptional()
  @IsBoolean()
  draft?: boolean;
}

const isGiven = (_: object, value: unknown): boolean => value !== undefined;

/** At least one of them. */
export class ReviseRequestBody {
  @ValidateIf(isGiven) @IsString() @IsNotEmpty() @HasText() @MaxLength(300) title?: string;
  @IsOptional() @IsString() @MaxLength(5_000) reason?: string | null;
  /** Replaces the payload as a whole. */
  @ValidateIf(isGiven) @IsDefined() payload?: unknown;
}

export class OverrideBody {
  @IsIn(['approved', 'rejected']) outcome: 'approved' | 'rejected';
  /** Stands in the trail for ever, with who gave it. */
  @IsString() @MinLength(10) @HasText(10) @MaxLength(2_000) reason: string;
}

export class MigrateBody {
  @JSONSchema({ description: 'One that is or was published.' })
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  workflowVersion: number;
}

export class CommentBody {
  @IsString() @IsNotEmpty() @HasText() @MaxLength(5_000) text: string;
}

export class CancelBody {
  @IsString() @IsNotEmpty() @HasText() @MaxLength(2_000) reason: string;
}

export class ListRequestsQuery extends PageQuery {
  @IsOptional() @IsIn(requestStates) state?: RequestState;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  /** A user's id, externalId or userName. */
  @IsOptional() @IsString() @MaxLength(320) requester?: string;
  @IsOptional() @IsString() @MaxLength(255) externalRef?: string;
  @IsOptional() @IsTime() createdAfter?: string;
  @IsOptional() @IsTime() createdBefore?: string;
}
