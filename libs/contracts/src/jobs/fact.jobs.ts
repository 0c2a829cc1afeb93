import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator';
import { Actor } from './request.jobs';

/** Something personal or written freely; audit keeps it beside the log, so that it can be erased. */
export class FactWords {
  /** User id of whom it concerns; null: of whoever acted. */
  @IsOptional() @IsUUID() subject: string | null;
  @IsString() kind: string;
  @IsObject() data: Record<string, unknown>;
}

export class Fact {
  /** Of the entry that comes of it: the same fact twice is one entry. */
  @IsUUID() id: string;
  /** One of `FactContents`. */
  @IsString() type: string;
  @IsISO8601() at: string;
  @ValidateNested() @Type(() => Actor) actor: Actor;
  @IsOptional() @IsUUID() requestId: string | null;
  /** Ids, states, codes, numbers and hashes. What is anything else is sealed. */
  @IsObject() content: Record<string, unknown>;
  @IsArray() @ValidateNested({ each: true }) @Type(() => FactWords) personal: FactWords[];
}

/** What happened apart from transitions, for the log: written in the transaction that made it so. */
export class FactHappened {
  @IsArray() @ArrayMaxSize(1_000) @ValidateNested({ each: true }) @Type(() => Fact) facts: Fact[];
}
