import { IsIn, IsInt, IsOptional, IsString } from 'class-validator';

/*
 * Query parameters for the OpenAPI document. They are read by hand (`list-query.ts`): SCIM has its own errors, and
 * parameters that nobody knows are ignored.
 */

/** Which attributes to answer with (RFC 7644 §3.9). */
export class ProjectionParameters {
  /** Names, separated by commas. */
  @IsOptional() @IsString() attributes?: string;
  @IsOptional() @IsString() excludedAttributes?: string;
}

/** A list (RFC 7644 §3.4.2). */
export class ListParameters extends ProjectionParameters {
  @IsOptional() @IsString() filter?: string;
  @IsOptional() @IsString() sortBy?: string;
  @IsOptional() @IsIn(['ascending', 'descending']) sortOrder?: string;
  /** From 1. */
  @IsOptional() @IsInt() startIndex?: number;
  /** At most 200. */
  @IsOptional() @IsInt() count?: number;
}
