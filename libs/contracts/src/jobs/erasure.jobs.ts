import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsUUID,
  Min,
  ValidateNested,
} from 'class-validator';
import { consumers, type ConsumerService } from '../services';

/** The most requests that one message names. */
export const mostErasedRequests = 500;

/** A request that has somebody's data. */
export class RequestToErase {
  @IsUUID() id: string;
  /** It is theirs: all that it says goes, and not only who they are and what they wrote. */
  @IsBoolean() isRequester: boolean;
}

/** A part of an erasure: what a service has of these requests goes. The same part again asks for nothing new. */
export class EraseSubject {
  @IsUUID() erasureId: string;
  @IsInt() @Min(0) part: number;
  /** User id; null: the data of everybody in these requests, whose time is over. */
  @IsOptional() @IsUUID() subject: string | null;
  /** None of them runs any more, but for drafts. */
  @IsArray()
  @ArrayMaxSize(mostErasedRequests)
  @ValidateNested({ each: true })
  @Type(() => RequestToErase)
  requests: RequestToErase[];
  /** What there is of the subject beside requests goes, too. */
  @IsBoolean() general: boolean;
}

/** A service has nothing left of a part. */
export class SubjectErased {
  @IsUUID() erasureId: string;
  @IsInt() part: number;
  @IsIn(consumers) service: ConsumerService;
  /** What has changed, by kind. */
  @IsObject() counts: Record<string, number>;
}
