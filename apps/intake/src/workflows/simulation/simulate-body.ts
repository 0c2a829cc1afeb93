import { decisions, type DecisionKind } from '@countersign/contracts';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsDefined,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

export class SimulatedDecision {
  /** Key of a stage. */
  @IsString() @IsNotEmpty() @MaxLength(100) stage: string;
  /** A user's id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(320) by: string;
  @IsIn(decisions) decision: DecisionKind;
}

export class SimulateBody {
  /** Fits the `subject` of the workflow; any JSON value. */
  @IsDefined() payload: unknown;
  /** A user's id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(320) requester: string;
  /** Also a draft; the published version by default. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
  /** Made in this order. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  @Type(() => SimulatedDecision)
  decisions?: SimulatedDecision[];
}
