import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator';

/** A person as other services need to know them: whom to show, whom to tell. */
export class Person {
  @IsUUID() id: string;
  @IsOptional() @IsString() externalId: string | null;
  @IsString() userName: string;
  @IsString() displayName: string;
  @IsOptional() @IsString() email: string | null;
}

/** A person with what conditions may read of the requester (product §4). */
export class Requester extends Person {
  @IsOptional() @IsString() department: string | null;
  @IsOptional() @IsString() region: string | null;
  @IsOptional() @IsNumber() approvalLimit: number | null;
  /** Display names of the groups that the person is a member of. */
  @IsArray() @IsString({ each: true }) groups: string[];
  /** User id of the manager. */
  @IsOptional() @IsUUID() manager: string | null;
}

/** How a person reads, as the directory was given it (RFC 7643 §4.1.1): nothing of it is checked. */
export class Reading {
  /** SCIM `preferredLanguage`. */
  @IsOptional() @IsString() language: string | null;
  @IsOptional() @IsString() locale: string | null;
  @IsOptional() @IsString() timezone: string | null;
}

/** A row of the directory as its owner hands it out; `version` orders changes of the same person. */
export class DirectoryPerson extends Requester {
  @IsBoolean() active: boolean;
  @IsInt() version: number;
  /** Left out: nothing is known of it. */
  @IsOptional() @ValidateNested() @Type(() => Reading) reading?: Reading | null;
}
