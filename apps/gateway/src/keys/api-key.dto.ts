import { scopes, type Scope } from '@countersign/contracts';
import { IsTime } from '@countersign/service-kit';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Length,
} from 'class-validator';

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
  @IsTime()
  expiresAt?: string | null;
}
