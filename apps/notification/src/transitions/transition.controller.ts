import { causeOf, Handles, type Message, type Tx } from '@countersign/messaging';
import { Controller } from '@nestjs/common';
import { MailSettings } from '../mail/mail.settings';
import { planMails } from '../mail/plan-mail';
import { planDeliveries } from './plan-deliveries';
import { readContext } from './read-context';
import { writeAnnouncements, type Announcements } from './write-announcements';

/** Turns what happened to requests into deliveries and mails. */
@Controller()
export class TransitionController {
  constructor(private readonly mailSettings: MailSettings) {}

  @Handles('request.transitioned.v1')
  async transitioned(messages: Message<'request.transitioned.v1'>[], tx: Tx): Promise<void> {
    const context = await readContext(tx, messages);
    const announcements: Announcements = { events: [], deliveries: [], mails: [] };
    for (const message of messages) {
      const payload = context.payloadOf(message);
      const cause = causeOf(message);
      const { events, deliveries } = planDeliveries(message.data, payload, context.subscriptions);
      announcements.events.push(...events);
      announcements.deliveries.push(...deliveries.map((delivery) => ({ ...delivery, cause })));
      announcements.mails.push(
        ...planMails(message.data, payload, this.mailSettings).map((mail) => ({ ...mail, cause })),
      );
    }
    writeAnnouncements(tx, announcements);
    for (const { id, workspaceId, state, cause } of announcements.deliveries) {
      if (state === 'pending')
        tx.publish({ type: 'delivery.attempt.v1', workspaceId, cause, data: { deliveryId: id, attempt: 1 } });
    }
    for (const { id, workspaceId, state, cause } of announcements.mails) {
      if (state === 'pending')
        tx.publish({ type: 'mail.send.v1', workspaceId, cause, data: { mailId: id, attempt: 1 } });
    }
  }
}
