import type { Envelope, RequestTransitioned } from '@countersign/contracts';
import { storedText, until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { answerParts, others } from './erasing-services';
import { mailEnded } from './fact-messages';
import { leafHashOf, openCheckpoint, rootOf, type ApiEntry } from './log-verifier';
import { alice, bob, messageOf, personalWords, storyOf } from './transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const entriesOf = async (workspace: string): Promise<ApiEntry[]> => {
  const { status, body } = await service.get('/v1/audit/entries?limit=200', { workspace });
  expect(status).toBe(200);
  return body.data;
};

const take = async (...messages: Envelope<RequestTransitioned>[]): Promise<void> => {
  await service.send(...messages);
  await service.handled(...messages);
};

/** Asks for an erasure and lets every service answer; gives the erasure once it is in one of the states. */
const erase = async (
  workspace: string,
  subject: string,
  states: string[] = ['done'],
  reason = 'Asked for by letter',
) => {
  const asking = service.call('POST', '/v1/audit/erasures', { subject, reason }, { workspace });
  let asked: Awaited<ReturnType<typeof service.call>> | undefined;
  asking.then(
    (answer) => (asked = answer),
    () => undefined,
  );
  const id = await until(async () => {
    const [row] = await service.sql<{ id: string }>(
      'SELECT id FROM erasure WHERE workspace_id = $1 ORDER BY id DESC LIMIT 1',
      [workspace],
    );
    if (asked && asked.status !== 201) throw new Error(asked.text);
    return row?.id;
  });
  const erasure = await untilState(workspace, String(id), states);
  const { status, body, headers } = await asking;
  expect([status, body.id, headers.get('location')]).toEqual([201, id, `/v1/audit/erasures/${id}`]);
  return erasure;
};

const untilState = async (workspace: string, id: string, states: string[]) =>
  until(async () => {
    await answerParts(service, id);
    const { body } = await service.get(`/v1/audit/erasures/${id}`, { workspace });
    return states.includes(body.state) ? body : undefined;
  });

const verify = async (workspace: string): Promise<ApiEntry[]> => {
  const entries = await entriesOf(workspace);
  for (const entry of entries) expect(leafHashOf(entry)).toBe(entry.leafHash);
  const note = await service.get('/v1/audit/checkpoint', { workspace });
  const key = await service.get('/v1/audit/verifier-key', { workspace });
  expect(openCheckpoint(note.text, key.text)).toEqual({
    origin: `countersign/${workspace}`,
    size: entries.length,
    root: rootOf(entries.map(({ leafHash }) => Buffer.from(leafHash, 'base64'))).toString('base64'),
  });
  return entries;
};

const everything = (workspace: string): Promise<string> => storedText(service, workspace);

const wordsOfAlice = [
  alice.userName,
  alice.displayName,
  String(alice.externalId),
  'A new desk',
  'The old one broke',
  'PO-4711',
  'cost centre',
  'for “Alice”',
  'line manager of',
];

describe('an erasure', () => {
  it('leaves nothing of a requester, whose leaves and commitments all still verify', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace);
    await take(...messages);
    const before = await verify(workspace);
    const text = await everything(workspace);
    for (const word of personalWords) expect(text).toContain(word.replaceAll('\u2028', '\\u2028'));

    const erasure = await erase(workspace, alice.id);
    expect(erasure).toMatchObject({
      subject: alice.id,
      state: 'done',
      reason: 'Asked for by letter',
      requests: { total: 1, erased: 1, waiting: 0 },
      waitingFor: [],
      heldBy: [],
    });
    const left = await everything(workspace);
    for (const word of wordsOfAlice) expect(left).not.toContain(word);
    expect(left).toContain('too expensive');

    const entries = await verify(workspace);
    expect(entries.slice(0, before.length).map(({ leafHash }) => leafHash)).toEqual(
      before.map(({ leafHash }) => leafHash),
    );
    for (const { sealed } of entries)
      for (const { subject, salt, data } of sealed)
        if (subject === alice.id) expect([salt, data]).toEqual([null, null]);
    const { body } = await service.get('/v1/events?limit=200', { workspace });
    for (const word of wordsOfAlice) expect(JSON.stringify(body)).not.toContain(word);
    expect(body.data[0].data.request).toMatchObject({
      id: requestId,
      title: 'Erased',
      reason: null,
      payload: null,
      requester: { id: alice.id, userName: `erased-${alice.id}`, displayName: 'Erased' },
    });
  });

  it('takes an approver out of the requests of others, and where texts of others name them', async () => {
    const workspace = v7();
    const { messages } = storyOf(workspace);
    await take(...messages);
    await erase(workspace, bob.id);
    const left = await everything(workspace);
    for (const word of [bob.userName, 'too expensive', '"Bob"']) expect(left).not.toContain(word);
    for (const word of ['A new desk', alice.userName]) expect(left).toContain(word);
    await verify(workspace);
  });

  it('is told of in the log by numbers and ids, and its reason is kept without the names of the subject', async () => {
    const workspace = v7();
    await take(...storyOf(workspace).messages);
    const { id } = await erase(workspace, alice.id, ['done'], `${alice.displayName} wants it`);
    const entries = await verify(workspace);
    const [requested, completed] = entries.slice(-2);
    expect(requested).toMatchObject({
      type: 'erasure.requested',
      requestId: null,
      content: { erasureId: id, subject: alice.id, actor: { type: 'service' } },
      sealed: [{ kind: 'reason', data: `erased-${alice.id} wants it` }],
    });
    expect(completed).toMatchObject({
      type: 'erasure.completed',
      content: { erasureId: id, subject: alice.id, requests: 1, sealed: expect.any(Number) },
      sealed: [],
    });
    expect((completed?.content as { sealed: number }).sealed).toBeGreaterThan(3);
  });

  it('asks every service for the requests, in parts, and first for what there is beside them', async () => {
    const workspace = v7();
    const stories = Array.from({ length: 3 }, () => storyOf(workspace));
    await take(...stories.flatMap(({ messages }) => messages));
    const { id } = await erase(workspace, bob.id);
    const asked = (await service.sent('subject.erase.v1')).filter(({ data }) => data.erasureId === id);
    expect(asked[0]?.queues).toEqual(['audit', ...others].sort());
    expect(asked[0]?.data).toMatchObject({ subject: bob.id, part: 0, general: true });
    const requests = asked.flatMap(({ data }) => data.requests);
    expect(new Map(requests.map((request) => [request.id, request.isRequester]))).toEqual(
      new Map(stories.map(({ requestId }) => [requestId, false])),
    );
  });

  it('keeps waiting for requests that still run, and erases them when they end', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace);
    const [created, assigned, rejected] = messages;
    await take(created!, assigned!);
    const waiting = await erase(workspace, alice.id, ['waiting']);
    expect(waiting).toMatchObject({ requests: { total: 1, erased: 0, waiting: 1 }, waitingFor: [requestId] });
    // What is sealed in the log is gone at once.
    const sealed = (await entriesOf(workspace)).flatMap((entry) => entry.sealed);
    expect(sealed.filter(({ subject, data }) => subject === alice.id && data !== null)).toEqual([]);
    expect(await everything(workspace)).toContain('A new desk');
    await take(rejected!);
    await untilState(workspace, waiting.id, ['done']);
    const left = await everything(workspace);
    for (const word of wordsOfAlice) expect(left).not.toContain(word);
    await verify(workspace);
  });

  it('does not let in what arrives late: of a request that is erased, or that nobody had heard of', async () => {
    const workspace = v7();
    const [known, unknown] = [storyOf(workspace), storyOf(workspace)];
    const [created, assigned, rejected] = known.messages;
    await take(created!, rejected!);
    const { id } = await erase(workspace, alice.id);
    await take(assigned!, messageOf(workspace, created!.data), ...unknown.messages);
    const erasure = await until(async () => {
      await answerParts(service, id);
      const { body } = await service.get(`/v1/audit/erasures/${id}`, { workspace });
      return body.state === 'done' && body.requests.total === 2 ? body : undefined;
    });
    expect(erasure.requests).toEqual({ total: 2, erased: 2, waiting: 0 });
    const left = await everything(workspace);
    for (const word of wordsOfAlice) expect(left).not.toContain(word);
    // The leaves are those of what has happened.
    const entries = await verify(workspace);
    expect(entries.filter(({ requestId }) => requestId === known.requestId).length).toBe(8);
    expect(entries.filter(({ requestId }) => requestId === unknown.requestId).length).toBe(8);
    // It came to its end twice, and why the second time is said.
    const told = entries.filter(({ type }) => type.startsWith('erasure.'));
    expect(told.map(({ type, content }) => [type, content.requests ?? null])).toEqual([
      ['erasure.requested', null],
      ['erasure.completed', 1],
      ['erasure.reopened', null],
      ['erasure.completed', 2],
    ]);
    expect(told[2]?.content).toMatchObject({ erasureId: id, subject: alice.id, because: 'late' });
  });

  it('covers what others tell of it later, such as that a mail was sent', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace);
    await take(...messages);
    const at = new Date(Date.now() - 60_000).toISOString();
    await erase(workspace, alice.id);
    const ended = [requestId, v7()].map((id) =>
      mailEnded(service, workspace, { requestId: id, userId: alice.id, email: alice.userName, at }),
    );
    await service.send(...ended);
    await service.handled(...ended);
    expect(await everything(workspace)).not.toContain(alice.userName);
    const told = (await verify(workspace)).filter(({ type }) => type === 'mail.ended');
    expect(told.map(({ sealed }) => sealed.map(({ data, salt }) => [data, salt]))).toEqual([
      [[null, null]],
      [[null, null]],
    ]);
  });

  it('is no reason to keep nothing of somebody active who goes on', async () => {
    const workspace = v7();
    await take(...storyOf(workspace).messages);
    await erase(workspace, alice.id);
    const later = storyOf(workspace);
    const shift = (text: string) => new Date(Date.parse(text) + 365 * 86_400_000).toISOString();
    await take(
      ...later.messages.map((message) =>
        messageOf(workspace, {
          ...message.data,
          events: message.data.events.map((event) => ({ ...event, at: shift(event.at) })),
        }),
      ),
    );
    const kept = (await entriesOf(workspace)).filter(({ requestId }) => requestId === later.requestId);
    expect(
      kept.flatMap(({ sealed }) => sealed).every(({ data, salt }) => data !== null && salt !== null),
    ).toBe(true);
  });

  it('goes on after a restart', async () => {
    const workspace = v7();
    await take(...storyOf(workspace).messages);
    const asking = service.call(
      'POST',
      '/v1/audit/erasures',
      { subject: alice.id, reason: 'x' },
      { workspace },
    );
    const answer = await asking;
    expect([answer.status, answer.body.state]).toEqual([201, 'running']);
    await service.restart();
    await untilState(workspace, answer.body.id, ['done']);
    const left = await everything(workspace);
    for (const word of wordsOfAlice) expect(left).not.toContain(word);
  });

  it('happens once a key, and its answer is kept without what is erased', async () => {
    const workspace = v7();
    await take(...storyOf(workspace).messages);
    const ask = () =>
      service.call(
        'POST',
        '/v1/audit/erasures',
        { subject: alice.id, reason: 'x' },
        { workspace, headers: { 'idempotency-key': 'once' } },
      );
    const [first, second] = await Promise.all([ask(), ask()]);
    expect([first.status, second.status].sort()).toEqual([201, 201]);
    expect(first.body.id).toBe(second.body.id);
    expect((await service.get('/v1/audit/erasures', { workspace })).body.data.length).toBe(1);
  });

  it('comes to its end once with two processes at it, and two of them undo nothing of each other', async () => {
    const workspace = v7();
    const stories = Array.from({ length: 60 }, () => storyOf(workspace));
    await take(...stories.flatMap(({ messages }) => messages));
    const other = await service.another();
    try {
      const asked = await Promise.all(
        [alice, bob].map(({ id }) =>
          service.call('POST', '/v1/audit/erasures', { subject: id, reason: 'x' }, { workspace }),
        ),
      );
      for (const { body } of asked) await untilState(workspace, body.id, ['done']);
    } finally {
      await other.stop();
    }
    const left = await everything(workspace);
    for (const word of personalWords) expect(left).not.toContain(word.replaceAll('\u2028', '\\u2028'));
    const rows = await service.sql<{ type: string; count: string }>(
      `SELECT type, count(*) FROM entry WHERE workspace_id = $1 AND type LIKE 'erasure.%' GROUP BY type ORDER BY type`,
      [workspace],
    );
    expect(rows).toEqual([
      { type: 'erasure.completed', count: '2' },
      { type: 'erasure.requested', count: '2' },
    ]);
  }, 60_000);

  it('gives the answer to a repeated call also when nobody knows the subject any more', async () => {
    const workspace = v7();
    const person = {
      ...alice,
      id: v7(),
      userName: 'zoe@example.com',
      externalId: null,
      active: true,
      version: 1,
      department: null,
      region: null,
      approvalLimit: null,
      groups: [],
      manager: null,
    };
    const tell = async (data: { people: (typeof person)[]; deleted: string[] }) => {
      const message = { ...service.message('directory.changed.v1', data), workspaceId: workspace };
      await service.send(message);
      await service.handled(message);
    };
    await tell({ people: [person], deleted: [] });
    const ask = (path: string) =>
      service.call(
        'POST',
        path,
        { subject: person.userName, reason: 'x' },
        { workspace, headers: { 'idempotency-key': 'again' } },
      );
    const hold = await ask('/v1/audit/holds');
    const first = await ask('/v1/audit/erasures');
    expect([hold.status, first.status, first.body.state]).toEqual([201, 201, 'held']);
    await tell({ people: [], deleted: [person.id] });
    for (const path of ['/v1/audit/holds', '/v1/audit/erasures']) {
      const again = await ask(path);
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
      expect(again.body.id).toBe((path.endsWith('holds') ? hold : first).body.id);
    }
    // Whoever asked may have got no answer: the process was killed before.
    await service.sql('UPDATE idempotency SET answer = NULL WHERE command_id = $1', [first.body.id]);
    const late = await ask('/v1/audit/erasures');
    expect([late.status, late.body.id]).toEqual([201, first.body.id]);
  });

  it('refuses what it does not know, and callers without the scope', async () => {
    const ask = (body: object, options = {}) => service.call('POST', '/v1/audit/erasures', body, options);
    expect((await ask({ subject: v7(), reason: 'x' })).body.code).toBe('unknown_reference');
    expect((await ask({ subject: alice.id })).body.errors).toEqual([
      { pointer: '/reason', message: expect.any(String) },
    ]);
    expect((await ask({ subject: 'x', reason: 'x' }, { scopes: ['audit:read'] })).status).toBe(403);
    expect((await service.get(`/v1/audit/erasures/${v7()}`)).status).toBe(404);
    const workspace = v7();
    await take(...storyOf(workspace).messages);
    const { id } = await erase(workspace, alice.id);
    expect((await service.get(`/v1/audit/erasures/${id}`, { workspace: v7() })).status).toBe(404);
  });
});
