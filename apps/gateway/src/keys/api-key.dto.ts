import { scopes, type Scope } from '@countersign/contracts';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsOptional,
  IsString,
  Length,
  Matches,
} from 'class-validator';

/** RFC 3339: a date alone would leave the hour open. */
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

export class CreateApiKey {
  @IsString() @Length(1, 200) name: string;
  @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(scopes, { each: true }) scopes: Scope[];
  /** Keys of the workflows that the API key may be used with; absent or null: all. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(200)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  workflows?: string[] | null;
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(instant, { message: 'expiresAt must be an RFC 3339 time with a time zone' })
  expiresAt?: string | null;
}
