import { Handles, type Message, type Tx } from '@countersign/messaging';
import { Controller } from '@nestjs/common';
import { leaseMails } from './leased-mail';
import { MailDispatcher } from './mail-dispatcher';

/** Leases mails; they are sent after the commit, outside of every transaction. */
@Controller()
export class SendController {
  constructor(private readonly dispatcher: MailDispatcher) {}

  @Handles('mail.send.v1')
  async send(messages: Message<'mail.send.v1'>[], tx: Tx): Promise<void> {
    const leased = await leaseMails(
      tx,
      messages.map(({ data }) => data),
    );
    tx.afterCommit(() => {
      for (const mail of leased) this.dispatcher.dispatch(mail);
    });
  }
}
