import { IsBoolean, IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, IsUUID } from 'class-validator';
import { auditEventTypes, endpointEventTypes, type AuditEventType, type EndpointEventType } from '../states';

/** Makes one attempt at a webhook delivery. */
export class AttemptDelivery {
  @IsUUID() deliveryId: string;
  @IsInt() attempt: number;
}

/** Makes one attempt at sending a mail. */
export class SendMail {
  @IsUUID() mailId: string;
  @IsInt() attempt: number;
}

/** Something that happened while others were told: a fact for the trail, and an event for who polls. */
export class NotificationHappened {
  /** Of the event, the same as its `webhook-id`. */
  @IsUUID() id: string;
  @IsIn(endpointEventTypes) type: EndpointEventType;
  @IsISO8601() at: string;
  /** Of the delivered event; null when it is about an endpoint. */
  @IsOptional() @IsUUID() requestId: string | null;
  /** Ids, codes and numbers, for the log; never a name or free text. */
  @IsObject() content: Record<string, unknown>;
  /** What subscribers are sent as `data`. */
  @IsObject() shown: Record<string, unknown>;
}

/** Something that happened to the audit log, which has it already: for subscribers that name it. */
export class AuditHappened {
  /** Of the event, the same as its `webhook-id`. */
  @IsUUID() id: string;
  @IsIn(auditEventTypes) type: AuditEventType;
  @IsISO8601() at: string;
  /** What subscribers are sent as `data`. */
  @IsObject() shown: Record<string, unknown>;
}

/** What people are told about their workspace, and in which language; the newest version counts. */
export class WorkspaceDescribed {
  @IsString() name: string;
  /** Of whom the directory says none: `en` or `de`. */
  @IsString() language: string;
  /** The same, an IANA name. */
  @IsString() timezone: string;
  /** Whether messages have links to decide with. */
  @IsBoolean() decisionLinks: boolean;
  /** Days that such a link is good for. */
  @IsInt() decisionLinkDays: number;
  @IsInt() version: number;
}
