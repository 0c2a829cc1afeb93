import { causeOf, Handles, type Cause, type Message, type Tx } from '@countersign/messaging';
import { Controller } from '@nestjs/common';
import type { LeasedDelivery, Target } from '../deliveries/attempt';
import { DeliveryDispatcher } from '../deliveries/delivery-dispatcher';
import { readErasedRequests } from '@countersign/erasure';
import { readAudience } from '../audience/read-audience';
import { ChatDispatcher } from '../chat/chat-dispatcher';
import { skipAnsweredChats, writeChats } from '../chat/chat-message.rows';
import { planChats, type PlannedChat } from '../chat/plan-chat';
import { Clock } from '../clock';
import { skipAnsweredQuestions } from '../mail/held-mail.rows';
import { HeldMails } from '../mail/held-mails';
import { lettersOf } from '../mail/letters';
import { MailSettings } from '../mail/mail.settings';
import { planMails } from '../mail/plan-mail';
import { planDeliveries, type PlannedDelivery } from './plan-deliveries';
import { readContext } from './read-context';
import { roomTaker } from './room-taker';
import { writeAnnouncements, type Announcements } from './write-announcements';

/**
 * Turns what happened to requests into deliveries and mails. A first attempt for which this process has room it makes
 * itself as soon as the delivery is committed; the others are left to messages, which any process may take.
 */
@Controller()
export class TransitionController {
  constructor(
    private readonly mailSettings: MailSettings,
    private readonly dispatcher: DeliveryDispatcher,
    private readonly heldMails: HeldMails,
    private readonly chatDispatcher: ChatDispatcher,
    private readonly clock: Clock,
  ) {}

  @Handles('request.transitioned.v1')
  async transitioned(arrived: Message<'request.transitioned.v1'>[], tx: Tx): Promise<void> {
    const leasedAt = Date.now();
    // Those of a request in their order, whichever way they came.
    const inOrder = [...arrived].sort((a, b) => a.data.request.version - b.data.request.version);
    const erased = await readErasedRequests(
      tx,
      inOrder.map(({ data }) => data.request.id),
    );
    const messages = inOrder.map((message) => ({
      ...message,
      data: erased.redact(message.data.request.id, message.data),
    }));
    const told = messages.map(({ workspaceId, data }) => ({
      workspaceId,
      // Of what is erased nobody is told any more; subscribers get the event, without what is erased.
      events: erased.of(data.request.id).length > 0 ? [] : lettersOf(data),
    }));
    const people = told.flatMap(({ workspaceId, events }) =>
      events.flatMap(({ letters }) => letters.map(({ person }) => ({ workspaceId, personId: person.id }))),
    );
    const holders = messages.flatMap(({ workspaceId, data }) =>
      holdersOf(data).map((personId) => ({ workspaceId, personId })),
    );
    const workspaces = messages.map(({ workspaceId }) => workspaceId);
    const closed = closedTasksOf(messages);
    // Sent together.
    const [context, audience] = await Promise.all([
      readContext(tx, messages),
      readAudience(tx, workspaces, [...people, ...holders], closed),
    ]);
    const now = this.clock.now();
    const announcements: Announcements = { events: [], deliveries: [], mails: [], told: [] };
    const queues = new Set<string>();
    const leased: { delivery: LeasedDelivery; traceparent: string | null }[] = [];
    const chats: (PlannedChat & { cause: Cause })[] = [];
    const takeRoom = roomTaker((endpointId) => this.dispatcher.roomFor(endpointId));
    for (const [index, message] of messages.entries()) {
      const payload = context.payloadOf(message);
      context.inOrder.tell(message, leasedAt);
      const cause = causeOf(message);
      const planned = planDeliveries(
        message.data,
        payload,
        context.subscriptions,
        this.mailSettings.publicUrl,
      );
      const bodies = new Map(planned.events.map((event) => [event.id, event]));
      announcements.events.push(...planned.events);
      for (const delivery of planned.deliveries) {
        const body = bodies.get(delivery.eventId)?.[delivery.format];
        const target = context.targets.get(delivery.endpointId);
        const mayLease = delivery.state === 'pending' && !delivery.isHeld && delivery.place === null;
        const isLeased = mayLease && !!body && !!target && takeRoom(delivery.endpointId);
        const queue = `${delivery.endpointId} ${delivery.requestId}`;
        // What waits for an earlier one is started by the end of that.
        const isWaiting = delivery.place !== null && queues.has(queue);
        if (delivery.place !== null) queues.add(queue);
        announcements.deliveries.push({ ...delivery, cause, isLeased, isWaiting });
        if (isLeased)
          leased.push({ delivery: firstAttempt(delivery, body, target), traceparent: cause.traceparent });
      }
      const events = told[index]?.events ?? [];
      chats.push(
        ...planChats(message.data, events, payload, this.mailSettings.publicUrl, audience, now).map(
          (chat) => ({
            ...chat,
            cause,
          }),
        ),
      );
      announcements.mails.push(
        ...planMails(message.data, told[index]?.events ?? [], payload, this.mailSettings, audience, now).map(
          (mail) => ({ ...mail, cause }),
        ),
      );
    }

    announcements.told = context.inOrder.progress;
    writeChats(tx, chats);
    let stored: ReadonlySet<string> = new Set();
    writeAnnouncements(tx, announcements, (deliveryIds) => (stored = deliveryIds));
    // Also what these very transitions have brought.
    const brought = (planned: readonly { taskId: string | null }[]) =>
      planned.flatMap(({ taskId }) => (taskId !== null && closed.includes(taskId) ? [taskId] : []));
    skipAnsweredQuestions(tx, [...audience.waiting.mails, ...brought(announcements.mails)]);
    skipAnsweredChats(tx, [...audience.waiting.chats, ...brought(chats)]);
    publishAttempts(tx, announcements);
    const heldUntil = announcements.mails.flatMap(({ hold }) => (hold ? [Date.parse(hold.until)] : []));
    tx.afterCommit(() => {
      if (chats.length > 0) this.chatDispatcher.wake();
      if (heldUntil.length > 0) this.heldMails.announce(new Date(Math.min(...heldUntil)));
      for (const { delivery, traceparent } of leased)
        if (stored.has(delivery.id)) this.dispatcher.dispatch(delivery, traceparent, leasedAt);
    });
  }
}

/** Whose tasks a transition's events are about. */
const holdersOf = ({ request, events }: Message<'request.transitioned.v1'>['data']): string[] => {
  const told = new Set(events.map(({ taskId }) => taskId));
  return request.stages.flatMap(({ tasks }) =>
    tasks.filter(({ id }) => told.has(id)).map(({ assignee }) => assignee.id),
  );
};

/** Tasks that these transitions have closed, or found closed. */
const closedTasksOf = (messages: readonly Message<'request.transitioned.v1'>[]): string[] =>
  messages.flatMap(({ data: { request, events } }) =>
    events.some(({ taskId }) => taskId !== null)
      ? request.stages.flatMap(({ tasks }) =>
          tasks.filter(({ state }) => state !== 'open').map(({ id }) => id),
        )
      : [],
  );

const firstAttempt = (
  { id, workspaceId, endpointId, eventId, format }: PlannedDelivery,
  body: string,
  target: Target,
): LeasedDelivery => ({
  id,
  workspace_id: workspaceId,
  endpoint_id: endpointId,
  event_id: eventId,
  format,
  attempt: 1,
  tries: 0,
  is_ordered: false,
  body,
  ...target,
});

const publishAttempts = (tx: Tx, { deliveries, mails }: Announcements): void => {
  for (const { id, workspaceId, state, cause, isLeased, isWaiting, isHeld } of deliveries) {
    if (state === 'pending' && !isLeased && !isWaiting && !isHeld)
      tx.publish({ type: 'delivery.attempt.v1', workspaceId, cause, data: { deliveryId: id, attempt: 1 } });
  }
  for (const { id, workspaceId, state, cause } of mails) {
    if (state === 'pending')
      tx.publish({ type: 'mail.send.v1', workspaceId, cause, data: { mailId: id, attempt: 1 } });
  }
};
