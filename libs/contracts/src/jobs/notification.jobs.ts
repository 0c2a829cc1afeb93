import { IsBoolean, IsInt, IsString, IsUUID } from 'class-validator';

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
