import { createTransport, type Transporter } from 'nodemailer';
import type { DecisionTokens } from './decision-tokens';
import type { LeasedMail } from './leased-mail';
import { messageIdOf, threadOf } from './mail-threads';
import type { MailSettings } from './mail.settings';

/** Connections that a mail server is asked for at once. */
export const mailConnections = 5;

/** Null on success. */
export interface MailFault {
  message: string;
  /** The server has said that this mail will never be taken (RFC 5321 §4.2.1: 5yz for the envelope or the content). */
  isPermanent: boolean;
}

/** Sends mails by SMTP; a request's mails form one thread. */
export class MailTransport {
  private readonly transporter: Transporter;

  constructor(
    smtpUrl: string,
    private readonly settings: Pick<MailSettings, 'from' | 'domain'>,
    private readonly tokens: DecisionTokens,
  ) {
    this.transporter = createTransport({
      url: smtpUrl,
      pool: true,
      maxConnections: mailConnections,
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 20_000,
      dnsTimeout: 5_000,
      disableFileAccess: true,
      disableUrlAccess: true,
    } as Parameters<typeof createTransport>[0]);
  }

  /** Never rejects. */
  async send(mail: LeasedMail): Promise<MailFault | null> {
    const thread = threadOf(mail.request_id, this.settings.domain) ?? undefined;
    const linked = { workspaceId: mail.workspace_id, personId: mail.person_id, links: mail.links };
    try {
      await this.transporter.sendMail({
        from: this.settings.from,
        to: { name: mail.recipient_name, address: mail.recipient },
        subject: mail.subject,
        text: this.tokens.insert(mail.text_body, linked),
        html: this.tokens.insert(mail.html_body, linked),
        messageId: messageIdOf(mail.id, this.settings.domain),
        inReplyTo: thread,
        references: thread,
        // RFC 3834 §5: answering machines leave it alone.
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return null;
    } catch (error) {
      return faultOf(error);
    }
  }

  close(): void {
    this.transporter.close();
  }
}

const faultOf = (error: unknown): MailFault => {
  const { message, code, responseCode } = error as { message?: string; code?: string; responseCode?: number };
  const isAboutTheMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  return {
    message: (message ?? 'the mail server could not be used')
      .replaceAll('\0', '')
      .slice(0, 500)
      .toWellFormed(),
    isPermanent: isAboutTheMail && responseCode !== undefined && responseCode >= 500,
  };
};
