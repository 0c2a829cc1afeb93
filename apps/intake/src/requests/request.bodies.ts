import { PageQuery } from '@countersign/service-kit';
import { requestStates, type RequestState } from '@countersign/contracts';
import {
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsISO8601,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  Min,
} from 'class-validator';

export class SubmitRequestBody {
  @IsString() @IsNotEmpty() @MaxLength(100) workflow: string;
  @IsOptional() @IsInt() @Min(1) workflowVersion?: number;
  @IsString() @IsNotEmpty() @MaxLength(300) title: string;
  @IsOptional() @IsString() @MaxLength(5_000) reason?: string | null;
  /** A user's id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(320) requester: string;
  /** Fits the `subject` of the workflow; any JSON value. */
  @IsDefined() payload: unknown;
  @IsOptional() @IsString() @MaxLength(255) externalRef?: string | null;
  @IsOptional() @IsObject() metadata?: Record<string, unknown>;
  @IsOptional() @IsBoolean() draft?: boolean;
}

export class CancelBody {
  @IsString() @IsNotEmpty() @MaxLength(2_000) reason: string;
}

export class EmptyBody {}

export class ListRequestsQuery extends PageQuery {
  @IsOptional() @IsIn(requestStates) state?: RequestState;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  /** A user's id, externalId or userName. */
  @IsOptional() @IsString() @MaxLength(320) requester?: string;
  @IsOptional() @IsString() @MaxLength(255) externalRef?: string;
  @IsOptional() @IsISO8601({ strict: true }) createdAfter?: string;
  @IsOptional() @IsISO8601({ strict: true }) createdBefore?: string;
}
