import type { DirectoryPerson, Envelope, Scope } from '@countersign/contracts';
import { DecisionLinkTokens } from '@countersign/decision-link';
import { SecretBox } from '@countersign/secret-box';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type ReceivedCall, type WebhookReceiver } from '../../test/webhook-receiver';

const tokens = new DecisionLinkTokens(SecretBox.fromKey(secretKey).derive('decision-link'));

let service: TestService;
let receiver: WebhookReceiver;
let answer: (response: ServerResponse, call: ReceivedCall) => void = (response) =>
  response.writeHead(200).end('ok');

beforeAll(async () => {
  receiver = await startReceiver((response, call) => answer(response, call));
  service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT0.2S,PT0.2S,PT0.2S' });
});
afterAll(async () => {
  await service.stop();
  await receiver.close();
});
beforeEach(async () => {
  answer = (response) => response.writeHead(200).end('ok');
  await service.sql('DELETE FROM chat_channel');
  receiver.calls.length = 0;
});

/** Somebody the directory has told of, with preferences. */
const meet = async (story: RequestStory, groups: string[] = [], preferences: object | null = null) => {
  const person: DirectoryPerson = {
    ...story.approver,
    department: null,
    region: null,
    approvalLimit: null,
    groups,
    manager: null,
    active: true,
    version: 1,
  };
  const message = {
    id: v7(),
    type: 'directory.changed.v1',
    source: 'approver-resolution',
    occurredAt: new Date().toISOString(),
    workspaceId: service.workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data: { people: [person], deleted: [] },
  } as Envelope;
  await service.send(message);
  await service.handled(message);
  if (preferences) await service.call('PUT', `/v1/notification-preferences/${person.id}`, preferences);
};
const storyOf = (more: ConstructorParameters<typeof RequestStory>[1] = {}) => {
  const name = `bob-${v7()}`;
  return new RequestStory(service.workspaceId, {
    ...more,
    approver: { id: v7(), userName: `${name}@example.com`, email: `${name}@example.com` },
  });
};
const channel = async (more: object) => {
  const made = await service.call('POST', '/v1/chat-channels', {
    name: 'Approvals',
    format: 'slack',
    url: `${receiver.url}/services/T000/B000/secret-of-the-channel`,
    ...more,
  });
  expect(made.status).toBe(201);
  return made.body;
};
/** A channel of a group, as long as the directory knows one by that ref. */
const channelOf = async (group: string, displayName: string | null) => {
  const made = service.call('POST', '/v1/chat-channels', {
    name: 'Approvals',
    format: 'slack',
    url: receiver.url,
    group,
  });
  const question = await until(async () => {
    const [asked] = await service.sql<{ id: string }>(
      `SELECT envelope -> 'data' ->> 'questionId' AS id FROM outbox_message
        WHERE envelope ->> 'type' = 'directory.find.v1' AND envelope -> 'data' -> 'groups' ->> 0 = $1`,
      [group],
    );
    return asked?.id;
  });
  await service.tell('directory.found.v1', {
    questionId: question,
    people: [],
    groups: displayName === null ? [] : [{ ref: group, id: v7(), displayName }],
  });
  return made;
};
const posts = (count: number) =>
  until(() => receiver.calls.length >= count && receiver.calls.map(({ text }) => JSON.parse(text)), 15_000);
const handle = async (...messages: Envelope[]) => {
  await service.send(...messages);
  await service.handled(...messages);
};
const mailsTo = async (story: RequestStory) =>
  (await service.sql(`SELECT FROM mail WHERE person_id = $1 AND state <> 'standby'`, [story.approver.id]))
    .length;
const mailsStandingBy = async (story: RequestStory) =>
  (await service.sql(`SELECT FROM mail WHERE person_id = $1 AND state = 'standby'`, [story.approver.id]))
    .length;

it('a channel hides its URL, at rest too', async () => {
  const made = await channel({});
  expect(made).toMatchObject({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/…/),
    user: null,
    group: null,
    lastFailure: null,
  });
  const at = `/v1/chat-channels/${made.id}`;
  expect((await service.get(at)).body).toEqual(made);
  expect((await service.get('/v1/chat-channels')).body.data).toEqual([made]);
  const [row] = await service.sql<{ text: string; url: Buffer }>(
    'SELECT c::text AS text, url FROM chat_channel c',
  );
  expect(`${row?.text} ${row?.url.toString('latin1')}`).not.toContain('secret-of-the-channel');
  expect((await service.get(at, { workspace: v7() })).status).toBe(404);
  expect((await service.get(at, { scopes: ['requests:read'] })).status).toBe(403);
  expect((await service.get(at, { workflows: ['leave'] })).status).toBe(403);
  expect((await service.call('DELETE', at, undefined, { headers: { 'if-match': '"7"' } })).status).toBe(412);
  expect((await service.call('DELETE', at)).status).toBe(204);
  expect((await service.get(at)).status).toBe(404);
});

it('of the documentation can be added', async () => {
  const story = storyOf();
  await meet(story);
  const page = readFileSync(path.join(__dirname, '../../../../docs/notifications.md'), 'utf8');
  const [, body = ''] = /POST \/v1\/chat-channels\n(\{.*\})\n/.exec(page) ?? [];
  const made = await service.call('POST', '/v1/chat-channels', {
    ...JSON.parse(body),
    user: story.approver.userName,
  });
  expect([made.status, made.body.user]).toEqual([201, story.approver.id]);
});

it.each([
  ['a private address', { url: 'http://10.0.0.1/x' }, 400, '/url'],
  ['no URL', { url: 'ftp://example.com' }, 400, '/url'],
  ['an unknown format', { format: 'irc' }, 400, '/format'],
  ['a person and a group', { user: 'bob', group: 'finance' }, 400, '/group'],
  ['events of a person', { user: 'bob', events: ['*'] }, 400, '/events'],
  ['an unknown event', { events: ['request.exploded'] }, 400, '/events'],
  ['what is never posted', { events: ['request.created'] }, 400, '/events'],
  ['what happens to endpoints', { events: ['endpoint.*'] }, 400, '/events'],
  ['an event of operations', { events: ['request.*', 'delivery.exhausted'] }, 400, '/events'],
  ['what is about no task, of a group', { group: 'finance', events: ['request.*'] }, 400, '/events'],
  ['spaces in its URL', { url: ' https://hooks.example.com/x' }, 400, '/url'],
])('a channel with %s is refused', async (_, more, status, pointer) => {
  const refused = await service.call('POST', '/v1/chat-channels', {
    name: 'x',
    format: 'slack',
    url: receiver.url,
    ...more,
  });
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([status, pointer]);
});

it('a channel of a group that nobody knows is refused', async () => {
  const { status, body } = await channelOf('nobody knows', null);
  expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'unknown_reference', '/group']);
});

it('is changed member by member, with its URL hidden again', async () => {
  const made = await channel({ events: ['request.*'], workflows: ['leave'] });
  const at = `/v1/chat-channels/${made.id}`;
  const change = (body: object, more: object = {}) => service.call('PATCH', at, body, more);
  const renamed = await change({ name: 'Leave', events: null });
  expect(renamed.body).toEqual({
    ...made,
    name: 'Leave',
    events: expect.arrayContaining(['request.submitted']),
    version: 2,
  });
  expect((await change({ workflows: null }, { headers: { 'if-match': '"1"' } })).status).toBe(412);
  expect((await change({ workflows: null }, { workflows: ['leave'] })).status).toBe(403);
  expect((await change({}, { workflows: ['travel'] })).status).toBe(403);
  expect((await change({}, { workspace: v7() })).status).toBe(404);
  for (const wrong of [
    { url: 'http://10.0.0.1/x' },
    { name: '' },
    { user: 'bob' },
    { events: ['endpoint.*'] },
  ])
    expect((await change(wrong)).status).toBe(400);
  const moved = await change({
    url: `${receiver.url}/elsewhere/${'x'.repeat(40)}`,
    format: 'teams',
    workflows: null,
  });
  expect(moved.body).toMatchObject({ format: 'teams', workflows: null, version: 3 });
  expect(JSON.stringify(moved.body)).not.toContain('elsewhere');
  await handle(storyOf().created());
  await posts(1);
  expect(receiver.calls[0]?.path).toContain('/elsewhere/');
});

it('is tried by a call that says what came of it, once a key', async () => {
  // What is tried again may come in the way of what is tried next, so the end has a channel of its own.
  const [{ id: first }, { id }] = [await channel({}), await channel({})];
  const test = (headers: Record<string, string> = {}, which = first) =>
    service.call('POST', `/v1/chat-channels/${which}/test`, {}, { headers });
  const key = { 'idempotency-key': 'once' };
  const [once, again] = [await test(key), await test(key)];
  expect([once.status, once.body]).toEqual([200, { id: expect.any(String), state: 'sent', error: null }]);
  expect([again.body, receiver.calls.length]).toEqual([once.body, 1]);
  expect(receiver.calls[0]?.text).toContain('Countersign can post here');
  answer = (response) => response.writeHead(503).end('busy');
  expect((await test()).body).toMatchObject({ state: 'pending', error: 'answered 503: busy' });
  answer = (response) => response.writeHead(404).end('no_service');
  expect((await test({}, id)).body).toMatchObject({ state: 'failed', error: 'answered 404: no_service' });
  expect((await service.get(`/v1/chat-channels/${id}`)).body.state).toBe('disabled');
  expect((await test({}, id)).status).toBe(409);
  const limited = await service.call('POST', `/v1/chat-channels/${id}/test`, {}, { workflows: ['leave'] });
  expect(limited.status).toBe(403);
});

it('of a person is set up only by who may decide in their name', async () => {
  const story = storyOf();
  await meet(story, [], { questions: 'chat' });
  const body = { name: 'x', format: 'slack', url: receiver.url, user: story.approver.id };
  const add = (...scopes: Scope[]) => service.call('POST', '/v1/chat-channels', body, { scopes });
  expect((await add('webhooks:write')).status).toBe(403);
  expect((await add('webhooks:write', 'act-as')).body.detail).toContain('tasks:decide');
  expect((await add('webhooks:write', 'tasks:decide')).body.detail).toContain('act-as');
  const made = await add('webhooks:write', 'tasks:decide', 'act-as');
  expect(made.status).toBe(201);
  const change = (changed: object) =>
    service.call('PATCH', `/v1/chat-channels/${made.body.id}`, changed, { scopes: ['webhooks:write'] });
  expect((await change({ name: 'y' })).status).toBe(200);
  expect((await change({ url: `${receiver.url}/theirs` })).status).toBe(403);
});

it('a person who prefers chat is asked there, with a link that is theirs, and not by mail', async () => {
  const story = storyOf();
  await meet(story, [], { questions: 'chat' });
  await channel({ user: story.approver.id, format: 'teams' });
  await handle(story.created(), story.assigned());
  const [message] = await posts(1);
  const [open] = message.attachments[0].content.actions;
  const token = /^https:\/\/countersign\.example\.com\/decide\/([\w-]{140})$/.exec(open.url)?.[1] ?? '';
  expect(tokens.read(token)).toMatchObject({ taskId: story.taskId, personId: story.approver.id });
  await until(async () => (await mailsStandingBy(story)) === 0);
  expect(await mailsTo(story)).toBe(0);
  const [kept] = await service.sql<{ text: string }>(
    `SELECT string_agg(m::text, '') AS text FROM chat_message m`,
  );
  expect(kept?.text).not.toContain(token);
});

it('who prefers both gets both, and who has no channel gets the mail', async () => {
  const [both, without] = [storyOf(), storyOf()];
  await meet(both, [], { questions: 'both' });
  await meet(without, [], { questions: 'chat' });
  await channel({ user: both.approver.id });
  await channel({ user: without.approver.id, workflows: ['another'] });
  await handle(both.created(), both.assigned(), without.created());
  await handle(without.assigned());
  await posts(1);
  expect([await mailsTo(both), await mailsTo(without)]).toEqual([1, 1]);
  expect(receiver.calls).toHaveLength(1);
});

it('a group is told of its members’ tasks, a workspace how requests go, and neither gets a link to decide', async () => {
  const [member, stranger] = [storyOf({ title: 'A <!channel> laptop' }), storyOf()];
  await meet(member, ['finance']);
  await meet(stranger, ['legal']);
  const { body: group } = await channelOf('ext-finance', 'finance');
  expect(group.group).toBe('finance');
  const all = await channel({ format: 'slack', workflows: ['purchase-order'] });
  expect([group.events, all.events.includes('request.approved')]).toEqual([
    ['task.assigned', 'task.overdue'],
    true,
  ]);
  await handle(member.created(), member.assigned());
  await handle(stranger.created(), stranger.assigned());
  await handle(member.approved());
  const messages = await posts(4);
  expect(messages.map(({ text }) => text).sort()).toEqual([
    'Approval needed: A &lt;!channel&gt; laptop',
    'Approved: A &lt;!channel&gt; laptop',
    'Submitted: A &lt;!channel&gt; laptop',
    'Submitted: Two laptops',
  ]);
  expect(JSON.stringify(messages)).not.toContain('/decide/');
  expect(JSON.stringify(messages)).toContain('is asked to decide on a request by Alice');
});

it('what cannot be posted now is posted later, once', async () => {
  const story = storyOf();
  await channel({ events: ['request.submitted'] });
  let refusals = 2;
  answer = (response) => response.writeHead(refusals-- > 0 ? 503 : 200).end('ok');
  const created = story.created();
  await handle(created, { ...created, id: v7() });
  await until(async () => {
    const [row] = await service.sql<{ state: string; tries: number }>(
      'SELECT state, tries FROM chat_message WHERE request_id = $1',
      [story.request.id],
    );
    return row?.state === 'sent' && row.tries === 3;
  }, 15_000);
  expect(receiver.calls).toHaveLength(3);
});

it('a channel that is gone is disabled, says so, and can be enabled again', async () => {
  const [first, second] = [storyOf(), storyOf()];
  const { id } = await channel({ events: ['request.submitted'] });
  answer = (response) => response.writeHead(404).end('no_service');
  await handle(first.created());
  const gone = await until(async () => {
    const { body } = await service.get(`/v1/chat-channels/${id}`);
    return body.state === 'disabled' && body;
  }, 15_000);
  expect(gone.disabledReason).toContain('gone');
  await handle(second.created());
  expect((await service.call('POST', `/v1/chat-channels/${id}/enable`, {})).body.state).toBe('enabled');
  expect(receiver.calls).toHaveLength(1);
});

it('a person whose channel turns out to be gone gets what was for it by mail, with a link', async () => {
  const story = storyOf();
  await meet(story, [], { questions: 'chat' });
  await channel({ user: story.approver.id });
  answer = (response) => response.writeHead(410).end('gone');
  await handle(story.created(), story.assigned());
  await until(async () => (await mailsTo(story)) === 1, 15_000);
  const { body } = await service.get('/dev/mail.json?limit=200');
  const mail = body.data.find(({ to }: { to: string }) => to === story.approver.email);
  expect(mail).toMatchObject({ subject: 'Approval needed: Two laptops', state: 'captured' });
  expect(mail.text).toMatch(/\/decide\/[\w-]{140}\s/);
});

it.each<[string, string, boolean]>([
  ['is away for hours', '7200', false],
  ['is deleted while the message waits', '600', true],
])('a question is asked by mail soon when its channel %s', async (_, retryAfter, isDeleted) => {
  const story = storyOf();
  await meet(story, [], { questions: 'chat' });
  const { id } = await channel({ user: story.approver.id });
  answer = (response) => response.writeHead(503, { 'retry-after': retryAfter }).end('busy');
  await handle(story.created(), story.assigned());
  const failed = await until(
    async () => (await service.get(`/v1/chat-channels/${id}`)).body.lastFailure,
    15_000,
  );
  expect(failed).toEqual({ at: expect.any(String), error: 'answered 503: busy' });
  if (isDeleted) {
    expect(await mailsTo(story)).toBe(0);
    await service.call('DELETE', `/v1/chat-channels/${id}`);
  }
  await until(async () => (await mailsTo(story)) === 1, 15_000);
  expect(receiver.calls).toHaveLength(1);
});

it('what waits for a channel that is deleted goes by mail, unless the task is closed by then', async () => {
  const [open, closed] = [storyOf(), storyOf()];
  answer = (response) => response.writeHead(503, { 'retry-after': '1' }).end('busy');
  for (const story of [open, closed]) {
    await meet(story, [], { questions: 'chat' });
    const { id } = await channel({ user: story.approver.id });
    await handle(story.created(), story.assigned());
    await posts(1);
    receiver.calls.length = 0;
    expect(await mailsStandingBy(story)).toBe(1);
    if (story === closed) await handle(story.approved());
    await service.call('DELETE', `/v1/chat-channels/${id}`);
  }
  await until(async () => (await mailsTo(open)) === 1, 15_000);
  await until(async () => {
    const rows = await service.sql(`SELECT FROM chat_message WHERE request_id = $1 AND state = 'skipped'`, [
      closed.request.id,
    ]);
    return rows.length === 1;
  }, 15_000);
  const { body } = await service.get('/dev/mail.json?limit=200');
  const to = body.data.map((mail: { to: string; state: string }) => `${mail.to} ${mail.state}`);
  expect(to).toContain(`${open.approver.email} captured`);
  expect(to).not.toContain(`${closed.approver.email} captured`);
});

it('a slow channel delays no other', async () => {
  const slow = await channel({ events: ['request.submitted'], url: `${receiver.url}/slow` });
  await channel({ events: ['request.submitted'] });
  const waiting: ServerResponse[] = [];
  answer = (response, { path: where }) => {
    if (where.endsWith('/slow')) waiting.push(response);
    else response.writeHead(200).end('ok');
  };
  const stories = Array.from({ length: 30 }, () => storyOf());
  await handle(...stories.map((story) => story.created()));
  await until(
    () => receiver.calls.filter(({ path: where }) => !where.endsWith('/slow')).length === 30,
    15_000,
  );
  expect(waiting.length).toBeLessThanOrEqual(2);
  await service.call('DELETE', `/v1/chat-channels/${slow.id}`);
  for (const response of waiting) response.writeHead(200).end('ok');
});
