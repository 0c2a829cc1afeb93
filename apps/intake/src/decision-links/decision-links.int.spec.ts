import {
  pendingStageSnapshot,
  type Person,
  type RequestSnapshot,
  type TaskSnapshot,
} from '@countersign/contracts';
import { DecisionLinkTokens, type DecisionLink } from '@countersign/decision-link';
import { roleOf } from '@countersign/persistence';
import { SecretBox } from '@countersign/secret-box';
import { secretKey, until } from '@countersign/service-kit/test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { v7 } from 'uuid';
import { createIntake, type Intake } from '../../test/create-intake';
import { forgetLinkUses } from './link-use.rows';

const tokens = new DecisionLinkTokens(SecretBox.fromKey(secretKey).derive('decision-link'));
const hostile = `<script>alert("1")</script> & 'x'`;
const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;';

let intake: Intake;
const people: Record<string, Awaited<ReturnType<Intake['meet']>>> = {};
const person = (name: string): Person => {
  const { id, externalId, userName, displayName, email } = people[name]!;
  return { id, externalId, userName, displayName, email };
};

beforeAll(async () => {
  intake = await createIntake();
  for (const name of ['alice', 'bob', 'carol']) people[name] = await intake.meet(`${name}@test`);
  const flow = {
    key: 'purchase',
    title: 'Purchase <order>',
    reasonCodes: { reject: ['budget', 'policy'] },
    stages: [
      {
        key: 'first',
        title: 'Line manager',
        approvers: [{ user: 'bob@test' }],
        comment: 'required-on-reject',
      },
      { key: 'second', title: 'Finance', approvers: [{ user: 'carol@test' }] },
    ],
  };
  const draft = await intake.call('POST', '/v1/workflows', flow);
  await intake.call('POST', `/v1/workflows/purchase/versions/${draft.body.version}/publish`, {});
});
afterAll(() => intake.stop());

interface Asked {
  link: DecisionLink;
  token: string;
  path: string;
  taskId: string;
  request: RequestSnapshot;
  /** The request changes, as routing would tell. */
  becomes(changes: {
    task?: Partial<TaskSnapshot>;
    request?: Partial<RequestSnapshot>;
    payload?: { revision: number; value: unknown };
    event?: string;
  }): Promise<void>;
}

/** A request of Alice's that Bob is asked about, and a link for him. */
const asked = async (
  more: Record<string, unknown> = {},
  linked: Partial<DecisionLink> = {},
): Promise<Asked> => {
  const { body } = await intake.call('POST', '/v1/requests', {
    workflow: 'purchase',
    title: 'Two laptops',
    requester: 'alice@test',
    payload: { amount: 48_000, cost: { centre: 'IT' } },
    ...more,
  });
  let request = await intake.snapshot(body.id);
  const taskId = v7();
  let task: TaskSnapshot = {
    id: taskId,
    requestId: request.id,
    stageKey: 'first',
    state: 'open',
    assignee: person('bob'),
    onBehalfOf: null,
    revision: 1,
    dueAt: '2026-12-01T09:00:00.000Z',
    decision: null,
    decidedBy: null,
    reasonCode: null,
    comment: null,
    decidedAt: null,
  };
  const becomes: Asked['becomes'] = async ({
    task: ofTask = {},
    request: ofRequest = {},
    payload,
    event,
  }) => {
    task = { ...task, ...ofTask };
    request = {
      ...request,
      version: request.version + 1,
      stages: [
        { ...pendingStageSnapshot(0, 'first', 'Line manager'), state: 'active', tasks: [task] },
        pendingStageSnapshot(1, 'second', 'Finance'),
      ],
      ...ofRequest,
    };
    await intake.tell('request.transitioned.v1', {
      request,
      events: event
        ? [
            {
              id: v7(),
              type: event,
              at: new Date().toISOString(),
              actor: { type: 'service', id: 'key', via: null },
              taskId: null,
              stageKey: null,
              data:
                event === 'request.revised'
                  ? { revision: request.revision, changed: [], title: request.title, reason: request.reason }
                  : {},
            },
          ]
        : [],
      revisionPayload: payload ? { revision: payload.revision, payload: { value: payload.value } } : null,
    });
  };
  await becomes({ request: { state: 'pending_review' }, event: 'request.created' });
  const link: DecisionLink = {
    id: v7(),
    workspaceId: intake.workspaceId,
    taskId,
    personId: people.bob!.id,
    version: request.version,
    expiresAt: new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3_600_000),
    ...linked,
  };
  const token = tokens.tokenOf(link);
  return { link, token, path: `/decide/${token}`, taskId, request, becomes };
};

/** As a browser: nobody vouches for it, and redirects are not followed. */
const browse = async (
  method: string,
  path: string,
  form?: Record<string, string>,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`http://127.0.0.1:${intake.port}${path}`, {
    method,
    redirect: 'manual',
    headers: { ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}), ...headers },
    body: form ? new URLSearchParams(form).toString() : undefined,
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
};

const commandsOf = (requestId: string) =>
  intake.sql<{ id: string; state: string }>(
    'SELECT id, state FROM command WHERE request_id = $1 ORDER BY id',
    [requestId],
  );
const untilCommands = (requestId: string, count: number) =>
  until(async () => {
    const rows = await commandsOf(requestId);
    return rows.length === count && rows;
  });
const settle = async (
  commandId: string,
  requestId: string,
  refused: { code: string; detail: string } | null,
  version = 3,
) =>
  intake.tell('command.settled.v1', {
    commandId,
    requestId,
    requestVersion: refused ? null : version,
    refused: refused && { ...refused, pointer: null, retryAfter: null },
  });

describe('the page of a decision link', () => {
  it('shows what is needed to decide, and what may be answered', async () => {
    const { path } = await asked({ reason: 'New colleagues', externalRef: 'PO-1' });
    const { status, text, headers } = await browse('GET', path);
    expect(status).toBe(200);
    for (const part of [
      '<html lang="en">',
      '<h1>Two laptops</h1>',
      'Test &amp; Co',
      'alice@test needs your decision.',
      'New colleagues',
      'Purchase &lt;order&gt;',
      'Line manager (1 of 2)',
      'PO-1',
      '1 Dec 2026, 09:00 UTC',
      '>amount<',
      '>48,000<',
      '>cost.centre<',
      'value="approve"',
      'value="reject"',
      'value="return"',
      '<optgroup label="Reject"><option value="budget">budget</option>',
      'Comment (needed to reject)',
      'name="seen" value="2.',
      'This page is for bob@test alone: whoever has the link can decide in that name.',
    ])
      expect(text).toContain(part);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(text).not.toMatch(/<script|<img|<link|<iframe|https?:|href=|src=/);
  });

  it('escapes everything that people wrote', async () => {
    const { path, becomes, request } = await asked({
      title: hostile,
      reason: hostile,
      externalRef: hostile,
      payload: { [hostile]: hostile },
    });
    const [open] = (await intake.snapshot(request.id)).stages[0]!.tasks;
    const decided: TaskSnapshot = {
      ...open!,
      id: v7(),
      state: 'approved',
      assignee: person('carol'),
      decision: 'approve',
      decidedBy: { ...person('carol'), displayName: hostile },
      comment: hostile,
      decidedAt: '2026-11-21T09:00:00.000Z',
    };
    const stage = pendingStageSnapshot(0, 'first', hostile);
    await becomes({ request: { stages: [{ ...stage, state: 'active', tasks: [open!, decided] }] } });
    const { text } = await browse('GET', path);
    expect(text).not.toMatch(/<script|"1"\)|& '/);
    expect(text.split(escaped).length).toBeGreaterThan(8);
    expect(text).toContain('Decisions so far');
  });

  it('shows names on one line, and nothing that turns the direction of what follows', async () => {
    const { path } = await asked({ title: 'Two \u202Eetorppa\u202C laptops\u0007' });
    expect((await browse('GET', path)).text).toContain('<h1>Two etorppa laptops</h1>');
  });

  it('is in the language of the person and at their time', async () => {
    const { path } = await asked();
    await intake.tell('directory.changed.v1', {
      people: [
        {
          ...people.bob!,
          version: 2,
          reading: { language: 'de-DE', locale: null, timezone: 'Europe/Berlin' },
        },
      ],
      deleted: [],
    });
    const { text, headers } = await browse('GET', path, undefined, { 'accept-language': 'en' });
    for (const part of [
      '<html lang="de">',
      'Ihre Entscheidung',
      'Genehmigen',
      '1. Dez. 2026, 10:00 MEZ',
      '48.000',
    ])
      expect(text).toContain(part);
    expect(headers.get('content-language')).toBe('de');
    await intake.tell('directory.changed.v1', { people: [{ ...people.bob!, version: 3 }], deleted: [] });
    expect((await browse('GET', path, undefined, { 'accept-language': 'de-AT, en;q=0.5' })).text).toContain(
      'lang="de"',
    );
  });

  it('shows what was changed since the message was sent, to the last character', async () => {
    const long = 'x'.repeat(900);
    const { path, becomes } = await asked({ payload: { amount: 1, text: `${long}a`, gone: true } });
    await becomes({
      request: { revision: 2, payloadRevision: 2 },
      payload: { revision: 2, value: { amount: 2, text: `${long}b`, new: 'here' } },
    });
    const { text } = await browse('GET', path);
    expect(text).toContain('Changed since you were asked');
    expect(text).toContain('<td>amount</td><td>1</td><td>2</td>');
    expect(text).toContain(`<td>text</td><td>${long}a</td><td>${long}b</td>`);
    expect(text).toContain('<td>gone</td><td>yes</td><td>–</td>');
    expect(text).toContain('<td>new</td><td>–</td><td>here</td>');
    expect(text).toContain('name="seen" value="3.');
  });

  it('says that title or reason were changed since the message was sent', async () => {
    const { path, becomes } = await asked({ title: 'Buy 1 pen', reason: 'For notes' });
    expect((await browse('GET', path)).text).not.toContain('Changed since you were asked');
    await becomes({ request: { title: 'Buy <100> laptops', reason: null }, event: 'request.revised' });
    const { text } = await browse('GET', path);
    expect(text).toContain('Changed since you were asked');
    expect(text).toContain('<td>Title</td><td>Buy 1 pen</td><td>Buy &lt;100&gt; laptops</td>');
    expect(text).toContain('<td>Reason</td><td>For notes</td><td>–</td>');
  });

  const decidedBy = (name: string): Partial<TaskSnapshot> => ({
    state: 'rejected',
    decision: 'reject',
    decidedBy: person(name),
    decidedAt: '2026-11-21T09:00:00.000Z',
  });
  it.each<[string, () => Partial<TaskSnapshot>, string, boolean]>([
    ['decided', () => decidedBy('bob'), 'You have decided this on 21 Nov 2026, 09:00 UTC: rejected.', true],
    ['decided by somebody else', () => decidedBy('carol'), 'carol@test has decided this', true],
    ['not needed any more', () => ({ state: 'canceled' }), 'Your decision is not needed any more.', true],
    ['expired', () => ({ state: 'expired' }), 'This was not decided in time.', true],
    ['dismissed', () => ({ state: 'dismissed' }), 'your approval no longer counts', true],
    ['reassigned', () => ({ state: 'reassigned' }), 'it was given to somebody else', false],
  ])('of a task that is %s says so, and has no form', async (what, change, sentence, showsMore) => {
    const { path, becomes } = await asked({ reason: 'Quite secret' });
    const onBehalfOf = what === 'decided by somebody else' ? person('bob') : null;
    await becomes({
      task: { ...change(), onBehalfOf, ...(onBehalfOf ? { assignee: person('carol') } : {}) },
    });
    const { status, text } = await browse('GET', path);
    expect(status).toBe(200);
    expect(text).toContain(sentence);
    expect(text).not.toContain('<form');
    expect(text.includes('Quite secret')).toBe(showsMore);
  });

  it('of a task that a delegation has given to somebody else shows nothing of it', async () => {
    const { path, becomes } = await asked({ reason: 'Quite secret' });
    await becomes({ task: { assignee: person('carol'), onBehalfOf: null } });
    const { text } = await browse('GET', path);
    expect(text).toContain('it was given to somebody else');
    expect(text).not.toMatch(/Quite secret|48,000|<form/);
  });

  it('is open to the delegator as well', async () => {
    const { path, becomes } = await asked();
    await becomes({ task: { assignee: person('carol'), onBehalfOf: person('bob') } });
    expect((await browse('GET', path)).text).toContain('<form');
  });

  it.each([
    ['nonsense', 'nonsense'],
    ['nothing of ours', 'A'.repeat(140)],
    ['something else', '%3Cscript%3E'],
  ])('of %s does not exist', async (_, token) => {
    const { status, text } = await browse('GET', `/decide/${token}`, undefined, { 'accept-language': 'de' });
    expect(status).toBe(404);
    expect(text).toContain('Diese Seite gibt es nicht.');
    expect(text).not.toContain(decodeURIComponent(token));
  });

  it('of a link that has expired, of a link of nobody, and of one in another workspace shows nothing', async () => {
    const nothing = async (linked: Partial<DecisionLink>) => {
      const { path } = await asked({}, linked);
      const { status, text } = await browse('GET', path);
      expect(text).not.toMatch(/laptops|48,000|<form/);
      return [status, /This link has expired|cannot decide any more|not here yet/.exec(text)?.[0]];
    };
    expect(await nothing({ expiresAt: new Date(Date.now() - 1_000) })).toEqual([
      410,
      'This link has expired',
    ]);
    expect(await nothing({ taskId: '0192f3a4-7b1c-7d10-8000-000000000001' })).toEqual([503, 'not here yet']);
    const answers = await nothing({ workspaceId: v7() });
    expect(answers[0]).toBe(503);
  });

  it('is of the person with this id, not of somebody whose name it is', async () => {
    const namesake = await intake.meet(v7());
    const { path } = await asked({}, { personId: namesake.userName });
    const { status, text } = await browse('GET', path);
    expect([status, text.includes('Two laptops')]).toEqual([403, false]);
  });

  it('is closed to somebody who has left, and to everybody once links are switched off', async () => {
    const { path } = await asked();
    await intake.tell('directory.changed.v1', {
      people: [{ ...people.bob!, active: false, version: 10 }],
      deleted: [],
    });
    const gone = await browse('GET', path);
    expect([gone.status, gone.text.includes('cannot decide any more')]).toEqual([403, true]);
    expect((await browse('POST', path, { decision: 'approve' })).status).toBe(403);
    await intake.tell('directory.changed.v1', { people: [{ ...people.bob!, version: 11 }], deleted: [] });
    expect((await browse('GET', path)).status).toBe(200);
    await intake.call('PATCH', '/v1/workspace-settings', { decisionLinks: false });
    const off = await browse('GET', path);
    expect([off.status, off.text.includes('does not allow decisions by link')]).toEqual([410, true]);
    expect((await browse('POST', path, { decision: 'approve' })).status).toBe(410);
    await intake.call('PATCH', '/v1/workspace-settings', { decisionLinks: true });
    for (const [method, form] of [['GET'], ['POST', { decision: 'approve' }]] as const) {
      const ended = await browse(method, path, form);
      expect([ended.status, ended.text.includes('ended all links')]).toEqual([410, true]);
    }
    await intake.call('PATCH', '/v1/workspace-settings', { decisionLinks: true });
    expect((await browse('GET', (await asked()).path)).status).toBe(200);
  });
});

describe('a decision by link', () => {
  it('is the person’s, says in the trail how it came, and is taken once however often it is sent', async () => {
    const { path, link, taskId, request, becomes } = await asked();
    const posts = ['approve', 'approve', 'reject'].map((decision) =>
      browse('POST', path, { decision, comment: 'one\r\ntwo' }),
    );
    const [command] = await untilCommands(request.id, 1);
    const [sent] = await intake.sql<{ envelope: { data: Record<string, unknown> } }>(
      `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = 'request.decide.v1' AND envelope::text LIKE $1`,
      [`%${taskId}%`],
    );
    expect(sent?.envelope.data).toMatchObject({
      commandId: command!.id,
      requestId: request.id,
      taskId,
      comment: 'one\ntwo',
      reasonCode: null,
      revision: 1,
      actor: { type: 'user', id: people.bob!.id, via: `decision-link:${link.id}` },
    });
    const waiting = await browse('GET', path);
    expect(waiting.text).toContain('is being carried out');
    expect(waiting.text).toMatch(/<meta http-equiv="refresh" content="2">/);
    await becomes({
      task: {
        state: 'approved',
        decision: 'approve',
        decidedBy: person('bob'),
        decidedAt: new Date().toISOString(),
      },
    });
    await settle(command!.id, request.id, null);
    const [first, again, other] = await Promise.all(posts);
    for (const answer of [first, again, await browse('POST', path, { decision: 'approve' })]) {
      expect(answer?.status).toBe(303);
      expect(answer?.headers.get('location')).toBe(`./${path.split('/').at(-1)}`);
    }
    for (const answer of [other, await browse('POST', path, { decision: 'reject' })]) {
      expect(answer?.status).toBe(409);
      expect(answer?.text).toContain('This changes nothing: your decision had been taken before.');
      expect(answer?.text).toContain('You have decided this on');
    }
    expect(await commandsOf(request.id)).toHaveLength(1);
    expect((await browse('GET', path)).text).toContain('You have decided this on');
  });

  it('that is refused has used nothing up, and says why', async () => {
    const { path, request } = await asked();
    const first = browse('POST', path, { decision: 'approve', comment: 'fine' });
    const [command] = await untilCommands(request.id, 1);
    await settle(command!.id, request.id, { code: 'not_assignee', detail: 'Bob has decided the stage X.' });
    const refused = await first;
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('You may not decide this: Bob has decided the stage X.');
    const second = browse('POST', path, { decision: 'approve' });
    const commands = await untilCommands(request.id, 2);
    await settle(commands[1]!.id, request.id, null, 2);
    expect((await second).status).toBe(303);
  });

  it('on a revision that is not the newest shows what has changed, and asks again', async () => {
    const { path, request, becomes } = await asked({ payload: { amount: 1 } });
    const posted = browse('POST', path, { decision: 'approve', comment: '<fine>' });
    const [command] = await untilCommands(request.id, 1);
    await becomes({
      request: { revision: 2, payloadRevision: 2 },
      payload: { revision: 2, value: { amount: 2 } },
    });
    await settle(command!.id, request.id, { code: 'stale_revision', detail: 'at revision 2' });
    const { status, text } = await posted;
    expect(status).toBe(409);
    expect(text).toContain('the request was changed while you had this page open');
    expect(text).toContain('<td>amount</td><td>1</td><td>2</td>');
    expect(text).toContain('value="approve" required checked');
    expect(text).toContain('&lt;fine&gt;</textarea>');
    expect(text).toContain('name="seen" value="3.');
  });

  it('on something that its page did not show shows what is different, and asks again', async () => {
    const { path, request, becomes } = await asked({ title: 'Buy 1 pen' });
    const seenOn = async () =>
      / name="seen" value="([^"]+)"/.exec((await browse('GET', path)).text)?.[1] ?? 'none';
    const seen = await seenOn();
    await becomes({ request: { title: 'Buy 100 laptops' }, event: 'request.revised' });
    for (const form of [{ seen }, { seen: 'nonsense' }, {}] as Record<string, string>[]) {
      const { status, text } = await browse('POST', path, { decision: 'approve', comment: 'fine', ...form });
      expect(status).toBe(409);
      expect(text).toContain('the request was changed while you had this page open');
      expect(text).toContain('<td>Title</td><td>Buy 1 pen</td><td>Buy 100 laptops</td>');
      expect(text).toContain('fine</textarea>');
    }
    expect(await commandsOf(request.id)).toEqual([]);
    const posted = browse('POST', path, { decision: 'approve', seen: await seenOn() });
    const [command] = await untilCommands(request.id, 1);
    const [sent] = await intake.sql<{ envelope: { data: Record<string, unknown> } }>(
      `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = 'request.decide.v1' AND envelope::text LIKE $1`,
      [`%${command!.id}%`],
    );
    expect(sent?.envelope.data.words).toEqual({ title: 'Buy 100 laptops', reason: null });
    await settle(command!.id, request.id, null);
    expect((await posted).status).toBe(303);
  });

  it.each<[string, Record<string, string>, string]>([
    ['no decision', { comment: 'x' }, 'Choose one of the decisions.'],
    ['no decision of ours', { decision: 'constructor' }, 'Choose one of the decisions.'],
    [
      'no comment where one is needed',
      { decision: 'reject', comment: ' \r\n' },
      'This decision needs a comment.',
    ],
    [
      'a comment that is too long',
      { decision: 'approve', comment: 'x'.repeat(5_001) },
      'may have 5,000 characters',
    ],
    [
      'a comment that cannot be kept',
      { decision: 'approve', comment: 'one\0two' },
      'characters that cannot be kept',
    ],
    [
      'a reason code of another decision',
      { decision: 'approve', reasonCode: 'budget' },
      'not for this decision',
    ],
  ])('with %s is not taken', async (_, form, sentence) => {
    const { path, request } = await asked();
    const { status, text } = await browse('POST', path, form);
    expect([status, text.includes(sentence)]).toEqual([422, true]);
    expect(await commandsOf(request.id)).toEqual([]);
  });

  it('from another site, or in another form than the page’s, is not taken', async () => {
    const { path, request } = await asked();
    const status = async (
      headers: Record<string, string>,
      form: Record<string, string> | undefined = { decision: 'approve' },
    ) => (await browse('POST', path, form, headers)).status;
    expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await status({ origin: 'https://evil.example.com' })).toBe(403);
    expect(await status({ 'content-type': 'text/plain' })).toBe(415);
    const plain = await browse('POST', path, { decision: 'approve' }, { 'content-type': 'text/plain' });
    expect(plain.text).toContain('Nothing was decided: only the form of this page');
    expect(await status({ 'content-type': 'application/json' })).toBe(415);
    expect(await status({}, { decision: 'approve', comment: 'x'.repeat(70_000) })).toBe(413);
    expect(await commandsOf(request.id)).toEqual([]);
  });

  it.each([
    ['two decisions', 'decision=approve&decision=reject'],
    ['two comments', 'decision=approve&comment=a&comment=b'],
    ['bytes that are no UTF-8', 'decision=approve&comment=%FF'],
  ])('with %s is not taken', async (_, body) => {
    const { path, request } = await asked();
    const response = await fetch(`http://127.0.0.1:${intake.port}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('Nothing was decided: what was sent could not be read.');
    expect(await commandsOf(request.id)).toEqual([]);
  });

  it('on a task that is closed by somebody else is not taken', async () => {
    const { path, request, becomes } = await asked();
    await becomes({ task: { state: 'canceled' } });
    const { status, text } = await browse('POST', path, { decision: 'approve' });
    expect([status, text.includes('Nothing has been decided')]).toEqual([409, true]);
    expect(await commandsOf(request.id)).toEqual([]);
  });

  it('is never made by looking: GET and HEAD change nothing', async () => {
    const { path, request } = await asked();
    const state = async () =>
      intake.sql(
        `SELECT (SELECT count(*) FROM command) AS commands, (SELECT count(*) FROM decision_link_use) AS uses,
                (SELECT json_agg(r ORDER BY id) FROM request r) AS requests, (SELECT json_agg(t ORDER BY id) FROM task t) AS tasks,
                (SELECT count(*) FROM outbox_message WHERE envelope ->> 'type' LIKE 'request.%') AS sent`,
      );
    const before = await state();
    for (const query of ['', '?decision=approve', '?decision=approve&revision=1'])
      for (const method of ['GET', 'HEAD'])
        expect((await browse(method, `${path}${query}`)).status).toBe(200);
    expect(await state()).toEqual(before);
    expect(await commandsOf(request.id)).toEqual([]);
  });
});

it('that a link was used is forgotten a day after it has expired', async () => {
  const use = (expired: string) =>
    intake.sql(
      `INSERT INTO decision_link_use (link_id, workspace_id, command_id, expires_at)
       VALUES (gen_random_uuid(), $1, gen_random_uuid(), now() - $2::interval)`,
      [intake.workspaceId, expired],
    );
  await intake.sql('DELETE FROM decision_link_use');
  await use('23 hours');
  await use('25 hours');
  // As the role that forgets, with no more rights than that.
  await intake.sql(`SET ROLE ${roleOf('intake', 'relay')}; ${forgetLinkUses}; RESET ROLE`);
  expect(
    await intake.sql(`SELECT expires_at > now() - interval '1 day' AS "isYoung" FROM decision_link_use`),
  ).toEqual([{ isYoung: true }]);
});

describe('the settings of a workspace', () => {
  it('that say a language count for a page, whatever the browser prefers', async () => {
    const workspace = v7();
    const link = { ...(await asked()).link, workspaceId: workspace };
    const path = `/decide/${tokens.tokenOf(link)}`;
    const pageIn = async () => {
      const { headers } = await browse('GET', path, undefined, { 'accept-language': 'en' });
      return headers.get('content-language');
    };
    await intake.sql(
      `INSERT INTO person (workspace_id, id, user_name, version, active, person)
       SELECT $1, id, user_name, version, active, person FROM person WHERE id = $2`,
      [workspace, link.personId],
    );
    const settings = { language: 'de', decisionLinks: false };
    await intake.call('PATCH', '/v1/workspace-settings', settings, { workspace });
    expect(await pageIn()).toBe('de');
  });

  it('are told with the name of the first call, and can be changed by an admin', async () => {
    const workspace = { workspace: v7() };
    const path = '/v1/workspace-settings';
    expect((await intake.get(path, workspace)).body).toEqual({
      name: 'Test & Co',
      language: 'en',
      timezone: 'UTC',
      decisionLinks: true,
      decisionLinkDays: 7,
      version: 0,
    });
    const changed = await intake.call(
      'PATCH',
      path,
      { language: 'de', timezone: 'Europe/Berlin' },
      workspace,
    );
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"1"']);
    expect((await intake.get(path, workspace)).body).toEqual(changed.body);
    expect(changed.body).toMatchObject({ language: 'de', timezone: 'Europe/Berlin', decisionLinkDays: 7 });
    const stale = { ...workspace, headers: { 'if-match': '"0"' } };
    expect((await intake.call('PATCH', path, { language: 'en' }, stale)).status).toBe(412);
    for (const wrong of [{ language: 'fr' }, { timezone: 'Mars' }, { decisionLinkDays: 31 }, { name: 'x' }])
      expect((await intake.call('PATCH', path, wrong, workspace)).status).toBe(400);
    const scopes = { ...workspace, scopes: ['requests:write' as const] };
    expect((await intake.call('PATCH', path, {}, scopes)).status).toBe(403);
    expect((await intake.get(path, scopes)).status).toBe(200);
    const [told] = await intake.sql<{ envelope: { data: object } }>(
      `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = 'workspace.described.v1' AND workspace_id = $1`,
      [workspace.workspace],
    );
    expect(told?.envelope.data).toEqual(changed.body);
  });

  it('of the documentation can be given', async () => {
    const page = readFileSync(path.join(__dirname, '../../../../docs/notifications.md'), 'utf8');
    const [, body = ''] = /PATCH \/v1\/workspace-settings\n(\{.*\})\n/.exec(page) ?? [];
    expect((await intake.call('PATCH', '/v1/workspace-settings', body, { workspace: v7() })).status).toBe(
      200,
    );
  });
});
