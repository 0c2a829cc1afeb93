import { storedText, until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';

let service: TestService;
let receiver: WebhookReceiver;
beforeAll(async () => {
  // What is sent comes back.
  receiver = await startReceiver((response, { text }) => response.writeHead(200).end(text.slice(0, 1_000)));
  service = await createNotification();
  for (const format of ['standard', 'easylife'])
    await service.call('POST', '/v1/webhook-endpoints', { url: receiver.url, events: ['*'], format });
}, 60_000);
afterAll(async () => {
  await service.stop();
  await receiver.close();
}, 30_000);

const words = ['Alice', 'alice@', 'Two laptops', 'New colleagues', 'EMEA'];
const left = async (): Promise<string> =>
  (await storedText(service))
    .split('\n')
    .filter((line) => !line.startsWith('{"name":"outbox_message"'))
    .join('\n');

const take = async (...messages: Parameters<TestService['send']>): Promise<void> => {
  await service.send(...messages);
  await service.handled(...messages);
};

const delivered = (story: RequestStory): Promise<unknown> =>
  until(async () => {
    const states = await service.sql<{ state: string }>('SELECT state FROM delivery WHERE request_id = $1', [
      story.request.id,
    ]);
    return states.length > 0 && states.every(({ state }) => state === 'succeeded');
  });

const erase = async (story: RequestStory, subject: string | null, isRequester = true) => {
  const erasureId = v7();
  await service.tell('subject.erase.v1', {
    erasureId,
    part: 0,
    subject,
    requests: [{ id: story.request.id, isRequester }],
    general: subject !== null,
  });
  return until(async () =>
    (await service.sent('subject.erased.v1')).find(({ data }) => data.erasureId === erasureId),
  );
};

describe('erasing in what others are told', () => {
  it('leaves nothing of a requester in events, answers, mails and payloads; a replay sends what is left', async () => {
    const story = new RequestStory(service.workspaceId);
    await take(story.created(), story.assigned(), story.approved());
    await delivered(story);
    const before = await left();
    for (const word of words) expect(before).toContain(word);
    const { data } = await erase(story, story.requester.id);
    expect(data.counts).toMatchObject({ events: expect.any(Number), mails: expect.any(Number), payloads: 1 });
    expect(data.counts.answers).toBeGreaterThan(2);
    for (const word of words) expect(await left()).not.toContain(word);
    const count = receiver.calls.length;
    const { body } = await service.get('/v1/webhook-endpoints');
    for (const { id } of body.data)
      await service.call('POST', `/v1/webhook-endpoints/${id}/replay`, { since: '2020-01-01T00:00:00Z' });
    await until(() => receiver.calls.length > count + 2);
    await delivered(story);
    for (const { text } of receiver.calls.slice(count))
      for (const word of words) expect(text).not.toContain(word);
    // What receivers say to the replay is not kept either.
    for (const word of words) expect(await left()).not.toContain(word);
    // Nor is anything of anybody, once everybody's time is over.
    await erase(story, null);
    for (const word of ['Bob', 'bob@', 'Fine with me']) expect(await left()).not.toContain(word);
  });

  it('takes the approver out of the request of somebody else', async () => {
    const story = new RequestStory(service.workspaceId);
    await take(story.created(), story.assigned(), story.approved());
    await delivered(story);
    await erase(story, story.approver.id, false);
    const text = await left();
    for (const word of ['bob@example.com', 'Fine with me', '"Bob"']) expect(text).not.toContain(word);
    expect(text).toContain('Two laptops');
    await erase(story, null);
    for (const word of words) expect(await left()).not.toContain(word);
  });

  it('takes the id that another directory has for the approver, even when ours has forgotten whose it is', async () => {
    const approver = { id: v7(), externalId: 'outside-markword' };
    const story = new RequestStory(service.workspaceId, { approver });
    await take(story.created(), story.assigned(), story.approved());
    await delivered(story);
    expect(await left()).toContain('outside-markword');
    await erase(story, approver.id, false);
    expect(await left()).not.toContain('outside-markword');
    await erase(story, null);
  });

  it('lets nothing back in, and tells nobody, by a transition that was on its way', async () => {
    const story = new RequestStory(service.workspaceId);
    const messages = [story.created(), story.assigned(), story.approved()];
    await erase(story, story.requester.id);
    await take(...messages);
    await delivered(story);
    for (const word of words) expect(await left()).not.toContain(word);
    expect(await service.sql('SELECT 1 FROM mail WHERE request_id = $1', [story.request.id])).toEqual([]);
    expect(
      (await service.sql('SELECT 1 FROM event WHERE request_id = $1', [story.request.id])).length,
    ).toBeGreaterThan(3);
  });

  it('empties digests, and lets go the other mails of one that was not sent', async () => {
    const [one, other] = [new RequestStory(service.workspaceId), new RequestStory(service.workspaceId)];
    const digest = v7();
    const mail = (id: string, requestId: string | null, state: string, digestId: string | null) =>
      service.sql(
        `INSERT INTO mail (id, workspace_id, event_id, person_id, request_id, recipient, recipient_name, subject, text_body, html_body, state,
                           digest_id, due_at, correlation_id)
         VALUES ($1, $2, $1, $3, $4, 'd@example.com', 'Dora', 'Two laptops', 'Two laptops', 'Two laptops', $5, $6, CASE WHEN $5 = 'pending' THEN now() + interval '1 hour' END, $1)`,
        [id, service.workspaceId, v7(), requestId, state, digestId],
      );
    await mail(digest, null, 'pending', null);
    await mail(v7(), one.request.id, 'gathered', digest);
    await mail(v7(), other.request.id, 'gathered', digest);
    await erase(one, one.requester.id);
    const rows = await service.sql<{ request_id: string | null; state: string; text_body: string }>(
      'SELECT request_id, state, text_body FROM mail WHERE id = $1 OR request_id = ANY ($2::uuid[]) ORDER BY request_id',
      [digest, [one.request.id, other.request.id]],
    );
    expect(rows.map((row) => [row.request_id, row.text_body])).toEqual(
      expect.arrayContaining([
        [one.request.id, expect.stringContaining('has been erased in the meantime')],
        [other.request.id, 'Two laptops'],
        [null, 'Erased'],
      ]),
    );
    expect(rows.find(({ request_id: id }) => id === null)?.state).toBe('skipped');
    // Whoever it was for is still told, of the one as of the other.
    for (const { request_id: id, state } of rows) if (id !== null) expect(state).toBe('pending');
    for (const { text_body: text } of rows) if (text !== 'Two laptops') expect(text).not.toContain('laptops');
    await service.sql('DELETE FROM mail WHERE request_id = ANY ($1::uuid[])', [
      [one.request.id, other.request.id],
    ]);
  });

  it('lets what somebody active has yet to be told reach them, and forgets it of somebody who has left', async () => {
    const [active, left] = [v7(), v7()];
    await service.tell('directory.changed.v1', {
      people: [active, left].map((id) => ({
        id,
        externalId: null,
        userName: `${id}@example.com`,
        displayName: 'Dora',
        email: null,
        department: null,
        region: null,
        approvalLimit: null,
        groups: [],
        manager: null,
        active: id === active,
        version: 1,
      })),
      deleted: [],
    });
    for (const person of [active, left])
      for (const state of ['pending', 'sent'])
        await service.sql(
          `INSERT INTO mail (id, workspace_id, event_id, person_id, recipient, recipient_name, subject, text_body, html_body, state, due_at, correlation_id)
           VALUES ($1, $2, $1, $3, 'd@example.com', 'Dora', 'A digest', 'A digest', 'A digest', $4, CASE WHEN $4 = 'pending' THEN now() + interval '1 hour' END, $1)`,
          [v7(), service.workspaceId, person, state],
        );
    for (const person of [active, left]) await erase(new RequestStory(service.workspaceId), person, false);
    const rows = await service.sql<{ person_id: string; state: string; text_body: string }>(
      'SELECT person_id, state, text_body FROM mail WHERE person_id = ANY ($1::uuid[]) ORDER BY person_id, state',
      [[active, left]],
    );
    expect(rows.map((row) => [row.person_id === active, row.state, row.text_body])).toEqual([
      [true, 'pending', 'A digest'],
      [true, 'sent', 'Erased'],
      [false, 'sent', 'Erased'],
      [false, 'skipped', 'Erased'],
    ]);
    await service.sql('DELETE FROM mail WHERE person_id = $1', [active]);
  });

  it('tells by mail what was to be posted, as far as it may still be told', async () => {
    const story = new RequestStory(service.workspaceId);
    const [event, person] = [v7(), v7()];
    await service.sql(
      `INSERT INTO mail (id, workspace_id, event_id, person_id, request_id, recipient, recipient_name, subject, text_body, html_body, state, correlation_id)
       VALUES ($1, $2, $3, $4, $5, 'd@example.com', 'Dora', 'Two laptops', 'Two laptops', 'Two laptops', 'standby', $1)`,
      [v7(), service.workspaceId, event, person, story.request.id],
    );
    await service.sql(
      `INSERT INTO chat_message (id, workspace_id, channel_id, event_id, request_id, person_id, body, due_at, correlation_id)
       VALUES ($1, $2, $1, $3, $4, $5, 'Two laptops', now() + interval '1 hour', $1)`,
      [v7(), service.workspaceId, event, story.request.id, person],
    );
    await erase(story, story.requester.id);
    const [mail] = await service.sql<{ state: string; text_body: string }>(
      'SELECT state, text_body FROM mail WHERE event_id = $1',
      [event],
    );
    // There is no mail server here: it is shown.
    expect(mail?.state).toBe('captured');
    expect(mail?.text_body).toContain(`/v1/requests/${story.request.id}`);
    expect(mail?.text_body).not.toContain('laptops');
  });

  it('forgets how somebody wanted to be told, and the channel of somebody who has left', async () => {
    const person = v7();
    await service.sql(
      `INSERT INTO notification_preference (workspace_id, person_id, preferences, version) VALUES ($1, $2, '{}', 1)`,
      [service.workspaceId, person],
    );
    const { data } = await erase(new RequestStory(service.workspaceId), person, false);
    expect(data.counts).toEqual({ preferences: 1 });
    expect(await service.sql('SELECT 1 FROM notification_preference WHERE person_id = $1', [person])).toEqual(
      [],
    );
  });
});
