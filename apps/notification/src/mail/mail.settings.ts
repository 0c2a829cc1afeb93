import { CONFIG, type ServiceConfig } from '@countersign/service-kit';
import { Inject, Injectable } from '@nestjs/common';

/** What the surroundings say about mail. */
@Injectable()
export class MailSettings {
  /** `SMTP_URL`; null: mails are kept and shown at /dev/mail. */
  readonly smtpUrl: string | null;
  /** `COUNTERSIGN_MAIL_FROM`, an RFC 5322 mailbox. */
  readonly from: string;
  /** Right side of message ids. */
  readonly domain: string;
  readonly publicUrl: string;

  constructor(@Inject(CONFIG) config: ServiceConfig) {
    this.smtpUrl = config.env.SMTP_URL || null;
    this.publicUrl = config.publicUrl.replace(/\/+$/, '');
    this.domain = URL.canParse(this.publicUrl) ? new URL(this.publicUrl).hostname : 'localhost';
    this.from = config.env.COUNTERSIGN_MAIL_FROM || `Countersign <countersign@${this.domain}>`;
  }
}
