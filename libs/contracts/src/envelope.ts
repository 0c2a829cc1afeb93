import {
  IsIn,
  IsISO8601,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
} from 'class-validator';
import { senders, type ServiceName } from './services';

/**
 * What travels through a queue. `source` is the service that keeps the message until it is settled,
 * so that the receiver knows whom to acknowledge (docs/adr/0001).
 */
export class Envelope<T = unknown> {
  @IsUUID() id: string;
  @IsString() @IsNotEmpty() @MaxLength(100) type: string;
  @IsIn(senders) source: ServiceName;
  @IsISO8601() occurredAt: string;
  @IsUUID() workspaceId: string;
  /** The same for everything that one outside call set in motion. */
  @IsUUID() correlationId: string;
  /** The message that this one follows from. */
  @IsOptional() @IsUUID() causationId: string | null;
  /** W3C Trace Context. */
  @IsOptional() @IsString() @MaxLength(55) traceparent: string | null;
  @IsObject() data: T;
}
