import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { eventPatternExpression } from '@countersign/contracts';
import {
  endpointFormats,
  orderings,
  signings,
  type EndpointFormat,
  type Ordering,
  type Signing,
} from './endpoint';

const isGiven = (_: object, value: unknown): boolean => value !== undefined;

const notAnEvent = {
  each: true,
  message: 'each of events must be "*", a family such as "request.*" or an event type',
};

/** What may be left out when an endpoint is created as well as when it is changed. */
abstract class EndpointOptions {
  /** Keys of workflows; absent or null means all. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  workflows?: string[] | null;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  @ValidateIf(isGiven) @IsIn(signings) signing?: Signing;
  @ValidateIf(isGiven) @IsIn(orderings) ordering?: Ordering;
}

export class CreateEndpoint extends EndpointOptions {
  @IsString() @MaxLength(2048) url: string;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(eventPatternExpression, notAnEvent)
  events: string[];

  @IsIn(endpointFormats) format: EndpointFormat;
}

export class ChangeEndpoint extends EndpointOptions {
  @ValidateIf(isGiven) @IsString() @MaxLength(2048) url?: string;

  @ValidateIf(isGiven)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(eventPatternExpression, notAnEvent)
  events?: string[];

  @ValidateIf(isGiven) @IsIn(endpointFormats) format?: EndpointFormat;
}
