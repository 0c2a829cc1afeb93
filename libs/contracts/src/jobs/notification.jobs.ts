import { IsInt, IsUUID } from 'class-validator';

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
