import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator';
import { Person, Requester } from '../person';
import { RequestSnapshot, WorkflowRef } from '../request-snapshot';
import { decisions, type DecisionKind } from '../states';

/** Who caused something: a person, a key acting for itself, or Countersign. `via` is the key that vouched. */
export class Actor {
  @IsIn(['user', 'service', 'system']) type: 'user' | 'service' | 'system';
  @IsOptional() @IsString() id: string | null;
  @IsOptional() @IsString() via: string | null;
}

export const bySystem: Readonly<Actor> = { type: 'system', id: null, via: null };

/** Somebody waits for the outcome of such a command: it is told by `command.settled.v1`. */
abstract class RequestCommand {
  @IsUUID() commandId: string;
  @IsUUID() requestId: string;
  @ValidateNested() @Type(() => Actor) actor: Actor;
  /** From `If-Match`: the version of the request that the caller has seen. */
  @IsOptional() @IsInt() expectedVersion: number | null;
}

/** A new request, already answered with 201: nobody waits, and it cannot be refused any more. */
export class SubmitRequest {
  @IsUUID() requestId: string;
  @ValidateNested() @Type(() => Actor) actor: Actor;
  @ValidateNested() @Type(() => WorkflowRef) workflow: WorkflowRef;
  @IsString() title: string;
  @IsOptional() @IsString() reason: string | null;
  @ValidateNested() @Type(() => Requester) requester: Requester;
  /** The payload, any JSON value; wrapped because a contract's members are checked by name. */
  @IsObject() payload: { value: unknown };
  @IsOptional() @IsString() externalRef: string | null;
  @IsObject() metadata: Record<string, unknown>;
  @IsBoolean() draft: boolean;
  @IsISO8601() createdAt: string;
}

/** Hands in a draft, or a returned request again. */
export class HandInRequest extends RequestCommand {}

/** Changes what is there of these; the payload fits the workflow's subject. */
export class ReviseRequest extends RequestCommand {
  @IsOptional() @IsString() title: string | null;
  /** Wrapped: null in it takes the reason away, no wrapping leaves it. */
  @IsOptional() @IsObject() reason: { value: string | null } | null;
  @IsOptional() @IsObject() payload: { value: unknown } | null;
}

export class ReassignTask extends RequestCommand {
  @IsUUID() taskId: string;
  /** An active person. */
  @ValidateNested() @Type(() => Person) to: Person;
  /** The version of that person in the directory at which they were found to be active. */
  @IsOptional() @IsInt() toVersion?: number;
  @IsOptional() @IsString() reason: string | null;
}

export class RemindTask extends RequestCommand {
  @IsUUID() taskId: string;
}

export class CommentRequest extends RequestCommand {
  @IsUUID() commentId: string;
  @IsString() text: string;
}

export class OverrideRequest extends RequestCommand {
  @IsIn(['approved', 'rejected']) outcome: 'approved' | 'rejected';
  @IsString() reason: string;
}

/** Moves a running request to another version of its workflow. */
export class MigrateRequest extends RequestCommand {
  @IsInt() workflowVersion: number;
}

/** Something about a request may be due: reminders, escalations, expiry. */
export class TickRequest {
  @IsUUID() requestId: string;
}

/** A person with open tasks in this request is not active any more. */
export class PersonLeft {
  @IsUUID() requestId: string;
  @IsUUID() personId: string;
}

/** Who stands in for somebody who is asked in this request may have changed. */
export class RequestDelegations {
  @IsUUID() requestId: string;
  @IsUUID() personId: string;
}

/** Delegations of these people have begun, ended or gone: requests with ids after `after` are told. */
export class DelegationsChanged {
  @IsArray() @ArrayMaxSize(1_000) @IsUUID(undefined, { each: true }) people: string[];
  @IsOptional() @IsUUID() after: string | null;
}

/** Tells more requests of people who are not active any more: those with ids after `after`. */
export class PeopleLeave {
  @IsArray() @ArrayMaxSize(1_000) @IsUUID(undefined, { each: true }) people: string[];
  @IsOptional() @IsUUID() after: string | null;
}

/** What of a request has no revision of its own. */
export class RequestWords {
  @IsString() title: string;
  @IsOptional() @IsString() reason: string | null;
}

export class DecideTask extends RequestCommand {
  @IsUUID() taskId: string;
  @IsIn(decisions) decision: DecisionKind;
  @IsOptional() @IsString() comment: string | null;
  @IsOptional() @IsString() reasonCode: string | null;
  @IsOptional() @IsInt() revision: number | null;
  /** That the person was shown; left out, whatever the request has. */
  @IsOptional() @ValidateNested() @Type(() => RequestWords) words?: RequestWords | null;
}

export class CancelRequest extends RequestCommand {
  @IsString() reason: string;
}

/**
 * One fact of a transition. `data` holds the members of the workflow library's event beside its envelope;
 * that of `request.created` is empty, since the request itself is in the transition. Names and free text in it are
 * sealed by the audit.
 */
export class TransitionEvent {
  @IsUUID() id: string;
  @IsString() type: string;
  @IsISO8601() at: string;
  @ValidateNested() @Type(() => Actor) actor: Actor;
  @IsOptional() @IsUUID() taskId: string | null;
  @IsOptional() @IsString() stageKey: string | null;
  @IsObject() data: Record<string, unknown>;
}

/** The payload of a revision; while a draft or a returned request is edited, the same revision's may come again. */
export class RevisionPayload {
  @IsInt() revision: number;
  @IsObject() payload: { value: unknown };
}

/** A whole transition of a request: what happened and the request as it now is. */
export class RequestTransitioned {
  @ValidateNested() @Type(() => RequestSnapshot) request: RequestSnapshot;
  @IsArray() @ValidateNested({ each: true }) @Type(() => TransitionEvent) events: TransitionEvent[];
  /** Present in each transition that brings a payload. */
  @IsOptional() @ValidateNested() @Type(() => RevisionPayload) revisionPayload: RevisionPayload | null;
}

export class RefusedCommand {
  @IsString() code: string;
  @IsString() detail: string;
  @IsOptional() @IsString() pointer: string | null;
  /** Seconds after which the same would be accepted. */
  @IsOptional() @IsInt() retryAfter: number | null;
}

/** The outcome of a command: done at `requestVersion`, or refused with a problem. */
export class CommandSettled {
  @IsUUID() commandId: string;
  @IsUUID() requestId: string;
  @IsOptional() @IsInt() requestVersion: number | null;
  @IsOptional() @ValidateNested() @Type(() => RefusedCommand) refused: RefusedCommand | null;
}

export class WorkflowPublished {
  @IsUUID() workflowId: string;
  @IsString() key: string;
  @IsInt() version: number;
  @IsObject() definition: Record<string, unknown>;
}
