import type { DirectoryPerson, Envelope } from '@countersign/contracts';
import { until, type TestService } from '@countersign/service-kit/test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { Clock } from '../clock';

let service: TestService;
/** By how much the service's clock is ahead of ours, in milliseconds. */
let passed = 0;
const clock: Clock = { now: () => new Date(Date.now() + passed) };
const pass = (ms: number) => void (passed += ms);
const hour = 3_600_000;

beforeAll(async () => {
  service = await createNotification({}, clock);
});
afterAll(() => service.stop());
beforeEach(() => {
  passed = 0;
});

const tell = async (type: 'directory.changed.v1' | 'workspace.described.v1', data: object) => {
  const message = {
    id: v7(),
    type,
    source: 'intake',
    occurredAt: new Date().toISOString(),
    workspaceId: service.workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data,
  } as Envelope;
  await service.send(message);
  await service.handled(message);
};

/** A request with an approver whom the directory has told of. */
const meet = async (reading: Partial<DirectoryPerson['reading'] & object> = {}) => {
  const name = `p${v7()}`;
  const story = new RequestStory(service.workspaceId, {
    approver: { id: v7(), userName: `${name}@example.com`, displayName: 'Bob', email: `${name}@example.com` },
  });
  const person: DirectoryPerson = {
    ...story.approver,
    department: null,
    region: null,
    approvalLimit: null,
    groups: [],
    manager: null,
    active: true,
    version: 1,
    reading: { language: null, locale: null, timezone: null, ...reading },
  };
  await tell('directory.changed.v1', { people: [person], deleted: [] });
  return { story, person, path: `/v1/notification-preferences/${encodeURIComponent(person.userName)}` };
};

interface Row extends Record<string, unknown> {
  state: string;
  subject: string;
  text_body: string;
  hold_until: Date | null;
  digest_id: string | null;
  id: string;
}
const mailsOf = (personId: string): Promise<Row[]> =>
  service.sql<Row>(
    'SELECT id, state, subject, text_body, hold_until, digest_id FROM mail WHERE person_id = $1 ORDER BY id',
    [personId],
  );
const untilStates = (personId: string, ...states: string[]) =>
  until(async () => {
    const rows = await mailsOf(personId);
    return (
      rows
        .map(({ state }) => state)
        .sort()
        .join() === [...states].sort().join() && rows
    );
  });

describe('preferences', () => {
  it('are by default mail at once, and are replaced as a whole', async () => {
    const { person, path } = await meet();
    const user = { id: person.id, userName: person.userName, displayName: 'Bob' };
    const nothingSaid = { questions: 'mail', news: 'mail', digest: null, quietHours: null, workflows: {} };
    expect((await service.get(path)).body).toEqual({ user, ...nothingSaid, version: 0 });
    const wishes = {
      news: 'none',
      digest: { at: '08:00' },
      quietHours: { from: '20:00', to: '07:00' },
      workflows: { leave: { digest: null }, 'purchase-order': { news: 'mail' } },
    };
    const put = await service.call('PUT', path, wishes);
    expect([put.status, put.headers.get('etag'), put.body]).toEqual([
      200,
      '"1"',
      { user, questions: 'mail', ...wishes, version: 1 },
    ]);
    expect((await service.get(`/v1/notification-preferences/${person.id}`)).body).toEqual(put.body);
    expect((await service.call('PUT', path, {})).body).toEqual({ user, ...nothingSaid, version: 2 });
    const stale = { headers: { 'if-match': '"1"' } };
    expect((await service.call('PUT', path, {}, stale)).status).toBe(412);
    expect((await service.call('PUT', path, {}, { headers: { 'if-match': '"2"' } })).body.version).toBe(3);
    const stranger = await meet();
    expect((await service.call('PUT', stranger.path, {}, stale)).status).toBe(412);
    expect(
      (await service.call('PUT', stranger.path, {}, { headers: { 'if-match': '"0"' } })).body.version,
    ).toBe(1);
  });

  it.each([
    ['a channel that there is not', { news: 'pigeon' }, '/news'],
    ['no questions', { questions: 'none' }, '/questions'],
    ['no time of day', { digest: { at: '24:00' } }, '/digest/at'],
    ['a digest without a time', { digest: {} }, '/digest/at'],
    [
      'quiet hours that are none, or the whole day',
      { quietHours: { from: '20:00', to: '20:00' } },
      '/quietHours/to',
    ],
    ['half of the quiet hours', { quietHours: { from: '20:00' } }, '/quietHours/to'],
    ['an unknown member', { colour: 'red' }, '/colour'],
    [
      'an unknown member of a workflow',
      { workflows: { a: { quietHours: null } } },
      '/workflows/a/quietHours',
    ],
    ['a bad key of a workflow', { workflows: { 'a b': {} } }, '/workflows/a b'],
    ['a workflow that is no object', { workflows: { a: 1 } }, '/workflows/a'],
  ])('with %s are refused', async (_, body, pointer) => {
    const { path } = await meet();
    const answer = await service.call('PUT', path, body);
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it('are a person’s own, or anybody’s with the scope', async () => {
    const [mine, theirs] = [await meet(), await meet()];
    const me = { scopes: ['act-as' as const], actor: mine.person.userName };
    expect((await service.get(mine.path, me)).status).toBe(200);
    expect((await service.call('PUT', mine.path, {}, me)).status).toBe(200);
    expect((await service.get(theirs.path, me)).status).toBe(403);
    expect((await service.call('PUT', theirs.path, {}, me)).body.code).toBe('insufficient_scope');
    expect((await service.get(mine.path, { scopes: ['requests:read'] })).status).toBe(403);
    const reads = { scopes: ['directory:read' as const] };
    expect((await service.get(theirs.path, reads)).status).toBe(200);
    expect((await service.call('PUT', theirs.path, {}, reads)).status).toBe(403);
    expect((await service.get(theirs.path, { workspace: v7() })).status).toBe(503);
  });
});

it('of the documentation can be said', async () => {
  const page = readFileSync(path.join(__dirname, '../../../../docs/notifications.md'), 'utf8');
  const [, body = ''] = /PUT \/v1\/notification-preferences\/\{user\}\n(\{[\s\S]*?\n\})\n/.exec(page) ?? [];
  const { path: preferences } = await meet();
  expect((await service.call('PUT', preferences, body)).status).toBe(200);
});

describe('mails', () => {
  it('gather until the digest’s hour, in the person’s time zone and language, and go as one', async () => {
    const { story, person, path } = await meet({ language: 'de', timezone: 'Pacific/Auckland' });
    await service.call('PUT', path, { digest: { at: '08:00' } });
    const second = new RequestStory(service.workspaceId, { title: 'Zwei <Monitore>', approver: person });
    await service.send(story.created(), story.assigned(), second.created());
    await service.send(second.assigned());
    const rows = await untilStates(person.id, 'held', 'held');
    const local = new Intl.DateTimeFormat('en-GB', { timeZone: 'Pacific/Auckland', timeStyle: 'short' });
    for (const { hold_until } of rows) expect(local.format(hold_until!)).toBe('08:00');

    pass(25 * hour);
    const after = await untilStates(person.id, 'captured', 'gathered', 'gathered');
    const digest = after.find(({ state }) => state === 'captured')!;
    expect(after.filter(({ digest_id }) => digest_id === digest.id)).toHaveLength(2);
    expect(digest.subject).toBe('2 Entscheidungen erforderlich');
    for (const part of [
      'Guten Tag Bob,',
      'Freigabe erforderlich: Two laptops',
      'Zwei <Monitore>',
      'Gesendet von',
    ])
      expect(digest.text_body).toContain(part);
    const { body } = await service.get('/dev/mail.json?limit=200');
    const shown = body.data.find(({ id }: { id: string }) => id === digest.id);
    expect(shown.text.match(/\/decide\/[\w-]{140}/g)).toHaveLength(2);
    expect(shown.html).toContain('Zwei &lt;Monitore&gt;');
  });

  it('of which there is one go as they are', async () => {
    const { story, person, path } = await meet();
    await service.call('PUT', path, { digest: { at: '08:00' } });
    await service.send(story.created(), story.assigned());
    await untilStates(person.id, 'held');
    pass(25 * hour);
    const [mail] = await untilStates(person.id, 'captured');
    expect(mail).toMatchObject({
      subject: 'Approval needed: Two laptops',
      hold_until: null,
      digest_id: null,
    });
  });

  it('wait for the end of quiet hours, and are not sent when their task is closed by then', async () => {
    const { story, person, path } = await meet();
    const other = new RequestStory(service.workspaceId, { approver: person });
    const now = clock.now();
    const at = (ms: number) => new Date(now.getTime() + ms).toISOString().slice(11, 16);
    await service.call('PUT', path, { quietHours: { from: at(-2 * hour), to: at(2 * hour) } });
    await service.send(story.created(), story.assigned(), other.created());
    await service.send(other.assigned());
    await untilStates(person.id, 'held', 'held');
    const decided = other.approved();
    await service.send(decided);
    await service.handled(decided);
    await untilStates(person.id, 'held', 'skipped');
    pass(3 * hour);
    const rows = await untilStates(person.id, 'captured', 'skipped');
    expect(rows.find(({ state }) => state === 'captured')?.text_body).toContain(story.request.id);
  });

  it('that are urgent do not wait for a digest', async () => {
    const { story, person, path } = await meet();
    await service.call('PUT', path, { digest: { at: '08:00' } });
    await service.send(story.created(), story.assigned());
    const overdue = story.happened([{ type: 'task.overdue' }]);
    await service.send(overdue);
    await service.handled(overdue);
    const rows = await untilStates(person.id, 'held', 'captured');
    expect(rows.find(({ state }) => state === 'captured')?.subject).toBe(
      'Overdue: approval needed: Two laptops',
    );
  });

  it('are in one digest each, of which none is endless', async () => {
    const { person, path } = await meet();
    await service.call('PUT', path, { digest: { at: '08:00' } });
    const stories = Array.from(
      { length: 120 },
      () => new RequestStory(service.workspaceId, { approver: person }),
    );
    await service.send(...stories.flatMap((story) => [story.created(), story.assigned()]));
    await until(async () => (await mailsOf(person.id)).length === 120, 20_000);
    pass(25 * hour);
    const rows = await until(async () => {
      const all = await mailsOf(person.id);
      return all.every(({ state }) => state !== 'held') && all;
    }, 20_000);
    const digests = rows.filter(({ state }) => state === 'captured');
    expect(digests).toHaveLength(3);
    const told = digests.map(({ text_body }) => text_body).join('\n');
    for (const { request } of stories) expect(told.split(`Request: ${request.id}`)).toHaveLength(2);
  });
});
