import type { Fact } from '@countersign/contracts';
import { until, type TestService } from '@countersign/service-kit/test';
import { SMTPServer } from 'smtp-server';
import type { AddressInfo } from 'node:net';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';

/** What the log has been told of endings, message by message. */
const told = async (service: TestService, type: string): Promise<Fact[][]> =>
  (await service.sent('fact.happened.v1'))
    .map(({ data }) => data.facts.filter((fact) => fact.type === type))
    .filter((facts) => facts.length > 0);
const untilTold = (service: TestService, type: string, isAll: (facts: Fact[]) => boolean): Promise<Fact[]> =>
  until(async () => {
    const facts = (await told(service, type)).flat();
    return isAll(facts) ? facts : null;
  });
const about = (facts: readonly Fact[], { request }: RequestStory): Fact[] =>
  facts.filter(({ requestId }) => requestId === request.id);

describe('deliveries in the log', () => {
  let service: TestService;
  const receivers: WebhookReceiver[] = [];
  beforeAll(async () => {
    service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT0.1S' });
  });
  afterAll(async () => {
    await service.stop();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });

  const subscribe = async (answer?: Parameters<typeof startReceiver>[0]): Promise<string> => {
    const receiver = await startReceiver(answer);
    receivers.push(receiver);
    const { body } = await service.call('POST', '/v1/webhook-endpoints', {
      url: receiver.url,
      events: ['request.created'],
      format: 'standard',
    });
    return body.id as string;
  };

  it('are there once they have ended, each once, with how and after how many attempts', async () => {
    const [well, ill] = [await subscribe(), await subscribe((response) => response.writeHead(503).end())];
    const story = new RequestStory(service.workspaceId);
    const created = story.created();
    await service.send(created);
    await service.handled(created);
    const facts = about(
      await untilTold(service, 'delivery.ended', (all) => about(all, story).length === 2),
      story,
    );
    const [eventId] = created.data.events.map(({ id }) => id);
    const of = (endpointId: string) => facts.filter(({ content }) => content.endpointId === endpointId);
    expect(of(well)).toMatchObject([
      {
        actor: { type: 'system', id: null, via: null },
        content: { eventId, state: 'succeeded', attempts: 1, status: 204 },
      },
    ]);
    expect(of(ill)).toMatchObject([{ content: { eventId, state: 'exhausted', attempts: 2, status: 503 } }]);
    expect(facts.flatMap(({ personal }) => personal)).toEqual([]);

    // A replay ends anew.
    const [deliveryId] = of(well).map(({ content }) => content.deliveryId as string);
    expect((await service.call('POST', `/v1/deliveries/${deliveryId}/replay`)).status).toBe(200);
    await untilTold(service, 'delivery.ended', (all) => about(all, story).length === 3);
    for (const id of [well, ill]) await service.call('DELETE', `/v1/webhook-endpoints/${id}`);
  });

  it('are told together, not one by one', async () => {
    // As many as go to a new endpoint at once.
    const count = 4;
    const waiting: (() => void)[] = [];
    // All of them are answered in one moment.
    const id = await subscribe((response) => {
      waiting.push(() => response.writeHead(204).end());
      if (waiting.length === count) for (const answer of waiting) answer();
    });
    const stories = Array.from({ length: count }, () => new RequestStory(service.workspaceId));
    const messages = stories.map((story) => story.created());
    await service.send(...messages);
    const isOurs = ({ content }: Fact) => content.endpointId === id;
    await untilTold(service, 'delivery.ended', (all) => all.filter(isOurs).length === count);
    const packs = (await told(service, 'delivery.ended')).filter((facts) => facts.some(isOurs));
    expect(packs.length).toBeLessThan(count);
    await service.call('DELETE', `/v1/webhook-endpoints/${id}`);
  });

  it('are there when they were skipped: of an endpoint that is disabled, or deleted meanwhile', async () => {
    const [disabled, deleted] = [
      await subscribe(),
      await subscribe((response) => response.writeHead(503).end()),
    ];
    await service.sql(`UPDATE endpoint SET state = 'disabled' WHERE id = $1`, [disabled]);
    // Far off: what waits for its next attempt when the endpoint is deleted.
    await service.restart({ COUNTERSIGN_WEBHOOK_RETRY: 'PT1H' });
    const story = new RequestStory(service.workspaceId);
    const created = story.created();
    await service.send(created);
    await service.handled(created);
    await until(async () => {
      const rows = await service.sql('SELECT 1 FROM delivery WHERE endpoint_id = $1 AND tries = 1', [
        deleted,
      ]);
      return rows.length === 1;
    });
    await service.call('DELETE', `/v1/webhook-endpoints/${deleted}`);
    const facts = about(
      await untilTold(service, 'delivery.ended', (all) => about(all, story).length === 2),
      story,
    );
    const shown = facts.map(({ content }) => [content.endpointId, content.state, content.attempts]);
    expect(shown.sort()).toEqual(
      [
        [disabled, 'skipped', 0],
        [deleted, 'skipped', 1],
      ].sort(),
    );
    expect(await service.sql('SELECT 1 FROM delivery WHERE untold')).toEqual([]);
  });
});

describe('mails in the log', () => {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: ({ address }, _session, callback) =>
      callback(
        address.startsWith('refused') ? Object.assign(new Error('no such box'), { responseCode: 550 }) : null,
      ),
    onData: (stream, _session, callback) => {
      stream.resume();
      stream.on('end', () => callback());
    },
  });
  smtp.on('error', () => undefined);
  let service: TestService;
  beforeAll(async () => {
    await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
    const { port } = smtp.server.address() as AddressInfo;
    service = await createNotification({ SMTP_URL: `smtp://127.0.0.1:${port}` });
  });
  afterAll(async () => {
    await service.stop();
    await new Promise<void>((resolve) => smtp.close(() => resolve()));
  });

  it('say whom we wrote to and what became of it; the address is sealed for the person', async () => {
    const addresses = { sent: 'bob@example.com', exhausted: 'refused@example.com', skipped: null };
    for (const [state, email] of Object.entries(addresses)) {
      const story = new RequestStory(service.workspaceId, { approver: { email } });
      const messages = [story.created(), story.assigned()];
      await service.send(...messages);
      await service.handled(...messages);
      const [fact, ...more] = await untilTold(
        service,
        'mail.ended',
        (all) => about(all, story).length > 0,
      ).then((all) => about(all, story));
      expect(more).toEqual([]);
      expect(fact?.content).toMatchObject({
        kind: 'question',
        userId: story.approver.id,
        taskId: story.taskId,
        digestId: null,
        state,
        attempts: state === 'skipped' ? 0 : 1,
      });
      expect(fact?.personal).toEqual(
        email === null ? [] : [{ subject: story.approver.id, kind: 'address', data: { email } }],
      );
    }
  });

  it('say that one was kept where there is no mail server', async () => {
    await service.restart({ SMTP_URL: '' });
    const story = new RequestStory(service.workspaceId);
    const messages = [story.created(), story.assigned()];
    await service.send(...messages);
    await service.handled(...messages);
    const facts = await untilTold(service, 'mail.ended', (all) => about(all, story).length > 0);
    expect(about(facts, story)).toMatchObject([{ content: { state: 'captured', attempts: 0 } }]);
    expect(await service.sql('SELECT 1 FROM mail WHERE untold')).toEqual([]);
  });
});

describe('chat messages in the log', () => {
  let service: TestService;
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    service = await createNotification();
    receiver = await startReceiver();
  });
  afterAll(async () => {
    await service.stop();
    await receiver.close();
  });

  it('say which channel was told and what became of it', async () => {
    const { body } = await service.call('POST', '/v1/chat-channels', {
      name: 'Requests',
      format: 'slack',
      url: receiver.url,
      events: ['request.submitted'],
    });
    const tell = async () => {
      const story = new RequestStory(service.workspaceId);
      const created = story.created();
      await service.send(created);
      await service.handled(created);
      return about(await untilTold(service, 'chat.ended', (all) => about(all, story).length > 0), story);
    };
    expect(await tell()).toMatchObject([
      { content: { channelId: body.id, userId: null, state: 'sent', attempts: 1 }, personal: [] },
    ]);
  });
});
