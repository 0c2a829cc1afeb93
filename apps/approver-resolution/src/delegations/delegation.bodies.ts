import { IsTime } from '@countersign/service-kit';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsNotEmpty,
  IsOptional,
  IsString,
  MaxLength,
} from 'class-validator';

export class CreateDelegation {
  /** Whose tasks: id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(256) from: string;
  /** Who gets them. */
  @IsString() @IsNotEmpty() @MaxLength(256) to: string;
  @IsTime() startsAt: string;
  @IsTime() endsAt: string;

  /** Keys of workflows; absent or null means all. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(200, { each: true })
  workflows?: string[] | null;
}
