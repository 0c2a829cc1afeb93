import {
  eventTypes,
  type Person,
  type RequestSnapshot,
  type TaskSnapshot,
  type TransitionEvent,
} from '@countersign/contracts';
import { exampleTransition } from '../events/example-transition';
import { Audience, unknownWorkspace } from '../audience/audience';
import { defaultPreferences, type Preferences } from '../preferences/preferences';
import { lettersOf } from './letters';
import { planMails as plan } from './plan-mail';

const settings = { smtpUrl: null as string | null, publicUrl: 'https://countersign.example.com' };
const now = new Date('2026-11-21T09:00:00.000Z');
const nobodyKnown = new Audience([], []);

/** The mails of a transition, by default to people of whom nothing is known. */
const planMails = (
  transition: Parameters<typeof lettersOf>[0],
  payload: unknown,
  where: typeof settings,
  audience = nobodyKnown,
) => plan(transition, lettersOf(transition), payload, where, audience, now);

const hostile = `<script>alert("1")</script> & 'x'`;
const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;';

describe('mails', () => {
  it('escape in HTML everything that people wrote', () => {
    const { request, event } = exampleTransition('task.assigned');
    const stage = request.stages[0]!;
    const [mail] = planMails(
      {
        request: {
          ...request,
          title: hostile,
          reason: hostile,
          externalRef: hostile,
          requester: { ...request.requester, displayName: hostile },
          workflow: { ...request.workflow, key: hostile },
          stages: [
            {
              ...stage,
              title: hostile,
              tasks: stage.tasks.map((task) => ({
                ...task,
                assignee: { ...task.assignee, displayName: hostile },
              })),
            },
          ],
        },
        events: [event],
      },
      { [hostile]: hostile },
      settings,
    );
    expect(mail?.html).not.toMatch(/<script|"1"|& /);
    expect(mail?.html.split(escaped).length).toBeGreaterThan(8);
    expect(mail?.text).toContain(`Title: ${hostile}`);
  });

  it('have one line of subject, whatever the title has', () => {
    const { request, event, payload } = exampleTransition('request.approved');
    const [mail] = planMails(
      {
        request: { ...request, title: ` a\r\nBcc: b@example.com\u0007\u2028c${'d'.repeat(400)}` },
        events: [event],
      },
      payload,
      settings,
    );
    expect(mail?.subject).toMatch(/^Approved: a Bcc: b@example\.com c?d+$/);
    expect(mail?.subject.length).toBeLessThanOrEqual(250);
  });

  it.each([
    ['task.assigned', 'bob@example.com'],
    ['request.approved', 'alice@example.com'],
    ['request.rejected', 'alice@example.com'],
    ['request.returned', 'alice@example.com'],
    ['request.canceled', 'alice@example.com'],
    ['request.expired', 'alice@example.com'],
    ['request.failed', 'alice@example.com'],
    ['request.overridden', 'alice@example.com'],
  ] as const)('tell of %s to %s', (type, recipient) => {
    const { request, event, payload } = exampleTransition(type);
    const mails = planMails({ request, events: [event] }, payload, settings);
    expect(mails).toMatchObject([{ recipient, state: 'captured', eventId: event.id, requestId: request.id }]);
    for (const part of [request.title, request.id, 'amount: 4200']) expect(mails[0]?.text).toContain(part);
  });

  it.each([
    'request.created',
    'request.submitted',
    'request.completed',
    'request.stage_started',
    'request.stage_approved',
    'request.revised',
    'task.decided',
  ] as const)('do not tell of %s', (type) => {
    const { request, event, payload } = exampleTransition(type);
    expect(planMails({ request, events: [event] }, payload, settings)).toEqual([]);
  });

  it('do not tell the requester what they did themselves, but do tell them that it failed', () => {
    const by = (type: 'request.canceled' | 'request.failed') => {
      const { request, event, payload } = exampleTransition(type);
      const actor = { type: 'user' as const, id: request.requester.id, via: null };
      return planMails({ request, events: [{ ...event, actor }] }, payload, settings);
    };
    expect(by('request.canceled')).toEqual([]);
    expect(by('request.failed')).toHaveLength(1);
  });

  const { request: pending, event: like } = exampleTransition('task.assigned');
  const [first] = pending.stages;
  const [task] = first!.tasks;
  const person = (name: string): Person => ({
    id: `id-${name}`,
    externalId: null,
    userName: name,
    displayName: name,
    email: `${name}@example.com`,
  });
  const taskOf = (name: string, more: Partial<TaskSnapshot> = {}): TaskSnapshot => ({
    ...task!,
    id: `task-${name}`,
    assignee: person(name),
    ...more,
  });
  const withTasks = (...tasks: TaskSnapshot[]): RequestSnapshot => ({
    ...pending,
    stages: [{ ...first!, tasks }],
  });
  const eventOf = (type: string, more: Partial<TransitionEvent> = {}): TransitionEvent => ({
    ...like,
    id: `${type} ${more.taskId ?? ''}`,
    type,
    taskId: null,
    data: {},
    ...more,
  });
  const by = (id: string) => ({ type: 'user' as const, id, via: null });
  const told = (request: RequestSnapshot, ...events: TransitionEvent[]) =>
    planMails({ request, events }, { amount: 4200 }, settings).map(({ recipient, subject, text }) => ({
      recipient,
      subject,
      text,
    }));
  const titled = (word: string) => `${word}: Two laptops`;

  it('remind the assignee of everything that is needed to decide', () => {
    const [mail] = told(pending, { ...like, type: 'task.reminded' });
    expect(mail?.subject).toBe(titled('Reminder: approval needed'));
    for (const part of [
      'Alice Arnold still waits',
      'Due: 22 Nov 2026, 08:30 UTC',
      'amount: 4200',
      'Look at it and decide:',
    ])
      expect(mail?.text).toContain(part);
  });

  it('tell the requester who was reminded, once for a stage, unless they asked for it', () => {
    const reminded = (actor: TransitionEvent['actor']) =>
      told(
        withTasks(taskOf('bob'), taskOf('carol')),
        eventOf('task.reminded', { taskId: 'task-bob', actor }),
        eventOf('task.reminded', { taskId: 'task-carol', actor }),
      );
    const byClock = reminded({ type: 'system', id: null, via: null });
    expect(byClock.map(({ recipient, subject }) => [recipient, subject])).toEqual([
      ['bob@example.com', titled('Reminder: approval needed')],
      ['alice@example.com', titled('Still waiting')],
      ['carol@example.com', titled('Reminder: approval needed')],
    ]);
    expect(byClock[1]?.text).toContain('still waits for bob and carol, who were reminded.');
    expect(reminded(by(pending.requester.id))).toHaveLength(2);
  });

  it('have a link to decide, that is kept without the right to', () => {
    const asked = { request: pending, events: [{ ...like, type: 'task.assigned' }] };
    const [mail] = planMails(asked, {}, settings);
    const [link] = mail!.links;
    expect(link).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      taskId: task!.id,
      version: pending.version,
      expiresAt: '2026-11-28T09:00:00.000Z',
    });
    for (const body of [mail!.text, mail!.html])
      expect(body).toContain(`https://countersign.example.com/decide/${link!.id}`);
    expect(mail?.text).toContain('It works once, until 28 Nov 2026, 09:00 UTC.');
    expect(mail?.text).not.toContain('/v1/tasks/');

    const workspace = { workspaceId: pending.workspaceId, ...unknownWorkspace };
    const off = new Audience([{ ...workspace, decisionLinks: false }], []);
    const [plain] = planMails(asked, {}, settings, off);
    expect(plain?.links).toEqual([]);
    expect(plain?.text).not.toContain('/decide/');
    expect(plain?.text).toContain(`/v1/tasks/${task!.id}`);
    const longer = new Audience([{ ...workspace, decisionLinkDays: 30 }], []);
    expect(planMails(asked, {}, settings, longer)[0]?.links[0]?.expiresAt).toBe('2026-12-21T09:00:00.000Z');
    const { request, event } = exampleTransition('request.approved');
    expect(planMails({ request, events: [event] }, {}, settings)[0]?.links).toEqual([]);
  });

  it('show who has decided so far, and what they said', () => {
    const decided = taskOf('carol', {
      state: 'approved',
      decision: 'approve',
      decidedBy: person('carol'),
      decidedAt: '2026-11-20T10:00:00.000Z',
      comment: hostile,
    });
    const [mail] = planMails(
      {
        request: withTasks(taskOf('bob'), decided),
        events: [eventOf('task.assigned', { taskId: 'task-bob' })],
      },
      {},
      settings,
    );
    expect(mail?.text).toContain(
      `Decisions so far\n\n- Line manager – carol: approved (20 Nov 2026, 10:00 UTC) – ${hostile}`,
    );
    expect(mail?.html).toContain(escaped);
  });

  it('are in the language of their reader, at their time, else in the workspace’s', () => {
    const { workspaceId } = pending;
    const workspace = {
      workspaceId,
      ...unknownWorkspace,
      name: 'Müller & Söhne',
      language: 'de',
      timezone: 'Europe/Vienna',
    };
    const bob = pending.stages[0]!.tasks[0]!.assignee.id;
    const reads = (
      reading: { language: string | null; locale: string | null; timezone: string | null } | null,
    ) => {
      const audience = new Audience(
        [workspace],
        reading ? [{ workspaceId, id: bob, reading, preferences: null }] : [],
      );
      return planMails({ request: pending, events: [like] }, { amount: 48_000 }, settings, audience)[0]!;
    };
    const german = reads(null);
    expect(german.subject).toBe('Freigabe erforderlich: Two laptops');
    for (const part of [
      'Guten Tag Bob Brown,',
      'Alice Arnold bittet Sie um Ihre Freigabe.',
      'Stufe: Line manager (1 von 1)',
      'Fällig: 22. Nov. 2026, 09:30 MEZ',
      'amount: 48.000',
      'Gesendet von Countersign für Müller & Söhne',
    ])
      expect(german.text).toContain(part);
    expect(german.html).toContain('<html lang="de">');
    expect(german.html).toContain('für Müller &amp; Söhne');

    const english = reads({ language: 'en-US', locale: null, timezone: 'America/New_York' });
    expect(english.subject).toBe('Approval needed: Two laptops');
    expect(english.text).toMatch(/Due: Nov 22, 2026, 03:30\sAM EST/);
    expect(english.text).toContain('amount: 48,000');
    expect(english.text).toContain('Sent by Countersign for Müller & Söhne');
  });

  it('are held, gathered or not made at all, as their reader wants', () => {
    const { workspaceId } = pending;
    const wishes = (person: Person, preferences: Partial<Preferences>) =>
      new Audience(
        [],
        [
          {
            workspaceId,
            id: person.id,
            reading: null,
            preferences: { ...defaultPreferences, ...preferences },
          },
        ],
      );
    const bob = task!.assignee;
    const asked = (preferences: Partial<Preferences>, type = 'task.assigned') =>
      planMails({ request: pending, events: [{ ...like, type }] }, {}, settings, wishes(bob, preferences))[0];
    const gathered = asked({ digest: { at: '08:00' } });
    // Due half an hour after the digest.
    expect(gathered).toMatchObject({
      state: 'held',
      taskId: task!.id,
      hold: { until: '2026-11-22T08:00:00.000Z', isGathered: true, content: { isQuestion: true } },
      links: [{ expiresAt: '2026-11-29T08:00:00.000Z' }],
    });
    expect(asked({ digest: { at: '08:31' } })).toMatchObject({ state: 'captured', hold: null });
    expect(asked({ digest: { at: '08:00' } }, 'task.overdue')).toMatchObject({
      state: 'captured',
      hold: null,
    });
    const quietHours = { from: '09:00', to: '10:00' };
    expect(asked({ quietHours }, 'task.overdue')).toMatchObject({
      state: 'held',
      hold: { until: '2026-11-21T10:00:00.000Z', isGathered: false },
    });
    // Questions cannot be turned off, news can, for a workflow as well.
    expect(asked({ news: 'none' })?.state).toBe('captured');
    const { request, event } = exampleTransition('request.approved');
    const told = (preferences: Partial<Preferences>) =>
      planMails({ request, events: [event] }, {}, settings, wishes(request.requester, preferences));
    expect(told({ news: 'none' })).toEqual([]);
    expect(told({ workflows: { 'purchase-order': { news: 'none' } } })).toEqual([]);
    expect(told({ news: 'none', workflows: { 'purchase-order': { news: 'mail' } } })).toHaveLength(1);
  });

  it('have a sentence of each language for everything that can happen', () => {
    const subjects = (language: string) => {
      const people = ['bob', 'carol', 'dave'].map((name) => `id-${name}`);
      const audience = new Audience(
        [{ workspaceId: pending.workspaceId, ...unknownWorkspace, language }],
        [],
      );
      return [...eventTypes, 'stage.notified', 'request.commented'].flatMap((type) =>
        planMails(
          {
            request: withTasks(taskOf('bob', { onBehalfOf: person('carol'), decidedBy: person('bob') })),
            events: [
              eventOf(type, {
                taskId: 'task-bob',
                actor: by(people[2]!),
                data: { to: [person('dave')], people: [person('dave')], stageKey: 'manager' },
              }),
            ],
          },
          { amount: 1 },
          settings,
          audience,
        ).map(({ subject, text }) => ({ type, subject, text })),
      );
    };
    const [english, german] = [subjects('en'), subjects('de')];
    expect(german.map(({ type }) => type)).toEqual(english.map(({ type }) => type));
    for (const [index, mail] of german.entries()) {
      expect(mail.subject).not.toBe(
        // The one word that is the same in both, up to its first letter.
        mail.type === 'request.commented' ? '' : english[index]?.subject,
      );
      expect(mail.text).not.toMatch(/undefined|\b(your|request|approval|needed|decided|Requester|Sent by)\b/);
    }
  });

  it('tell each assignee of what is overdue, and the requester once for a stage', () => {
    const mails = told(
      withTasks(taskOf('bob'), taskOf('carol')),
      eventOf('task.overdue', { taskId: 'task-bob' }),
      eventOf('task.overdue', { taskId: 'task-carol' }),
    );
    expect(mails.map(({ recipient, subject }) => [recipient, subject])).toEqual([
      ['bob@example.com', titled('Overdue: approval needed')],
      ['alice@example.com', titled('Overdue')],
      ['carol@example.com', titled('Overdue: approval needed')],
    ]);
    expect(mails[1]?.text).toContain('It waits for bob and carol.');
  });

  it('say no more than they must when a thousand people are late', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `p${index}`);
    const mails = told(
      withTasks(...names.map((name) => taskOf(name))),
      ...names.map((name) => eventOf('task.overdue', { taskId: `task-${name}` })),
    );
    expect(mails).toHaveLength(1_001);
    expect(mails[1]?.text).toContain('It waits for p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 990 others.');
  });

  it.each([
    ['add', [person('dave')], 'dave was asked as well.'],
    ['replace', [person('dave'), person('erin'), person('dave')], 'dave and erin were asked instead.'],
    ['add', [], 'Nobody else could be found to be asked.'],
  ] as const)('tell the requester of an escalation (%s)', (mode, to, sentence) => {
    const mails = told(
      withTasks(taskOf('bob'), taskOf('carol')),
      eventOf('task.escalated', { taskId: 'task-bob', data: { mode, to } }),
      eventOf('task.escalated', { taskId: 'task-carol', data: { mode, to } }),
    );
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({ recipient: 'alice@example.com', subject: titled('Escalated') });
    expect(mails[0]?.text).toContain(sentence);
  });

  it('tell the former assignee who has their task now, unless they gave it away themselves', () => {
    const request = withTasks(taskOf('bob', { state: 'reassigned' }), taskOf('carol'));
    const given = (actor: TransitionEvent['actor']) =>
      told(
        request,
        eventOf('task.reassigned', {
          taskId: 'task-bob',
          actor,
          data: { to: person('carol'), reason: 'on leave' },
        }),
      );
    const [mail, ...others] = given(by(pending.requester.id));
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ recipient: 'bob@example.com', subject: titled('Reassigned') });
    for (const part of ['given to carol', 'By: Alice Arnold', 'Why: on leave'])
      expect(mail?.text).toContain(part);
    expect(given({ type: 'service', id: 'key-1', via: null })[0]?.text).not.toContain('By:');
    expect(given(by('id-bob'))).toEqual([]);
  });

  it('tell whoever approved that it no longer counts, under a delegation the one who did', () => {
    const event = eventOf('task.dismissed', { taskId: 'task-bob' });
    const dismissed = { state: 'dismissed', decision: 'approve' } as const;
    const own = told(withTasks(taskOf('bob', { ...dismissed, decidedBy: person('bob') })), event);
    expect(own).toMatchObject([
      { recipient: 'bob@example.com', subject: titled('Approval no longer counts') },
    ]);
    const delegated = told(
      withTasks(taskOf('bob', { ...dismissed, onBehalfOf: person('carol'), decidedBy: person('carol') })),
      event,
    );
    expect(delegated).toMatchObject([{ recipient: 'carol@example.com' }]);
    expect(delegated[0]?.text).toContain('Hello carol,');
  });

  it('tell the delegator what was decided for them, and nobody of what they decided themselves', () => {
    const event = eventOf('task.decided', { taskId: 'task-bob' });
    const decidedBy = (name: string, onBehalfOf: string | null) =>
      told(
        withTasks(
          taskOf('bob', {
            state: 'rejected',
            decision: 'reject',
            comment: 'too dear',
            onBehalfOf: onBehalfOf === null ? null : person(onBehalfOf),
            decidedBy: person(name),
          }),
        ),
        event,
      );
    const [mail, ...others] = decidedBy('bob', 'carol');
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ recipient: 'carol@example.com', subject: titled('Decided on your behalf') });
    for (const part of [
      'Hello carol,',
      'bob has decided a request on your behalf: it was rejected.',
      'too dear',
    ])
      expect(mail?.text).toContain(part);
    expect(decidedBy('carol', 'carol')).toEqual([]);
    expect(decidedBy('bob', null)).toEqual([]);
  });

  it('tell the requester of expired tasks once for a stage, and not when the end of the request says it', () => {
    const request = withTasks(taskOf('bob', { state: 'expired' }), taskOf('carol', { state: 'expired' }));
    const expired = ['task-bob', 'task-carol'].map((taskId) => eventOf('task.expired', { taskId }));
    const mails = told(request, ...expired);
    expect(mails).toMatchObject([
      { recipient: 'alice@example.com', subject: titled('Not answered in time') },
    ]);
    expect(mails[0]?.text).toContain('bob and carol did not answer in time.');
    for (const [type, word] of [
      ['request.expired', 'Expired'],
      ['request.rejected', 'Rejected'],
      ['request.canceled', 'Canceled'],
    ] as const) {
      expect(told(request, ...expired, eventOf(type)).map(({ subject }) => subject)).toEqual([titled(word)]);
    }
  });

  it.each(['approved', 'rejected'] as const)('say once that a request was %s by an override', (outcome) => {
    const mails = told(
      withTasks(taskOf('bob', { state: 'canceled' })),
      eventOf('request.overridden', {
        data: { outcome, reason: 'The server room is under water.' },
        actor: by('id-bob'),
      }),
      eventOf(`request.${outcome}`, { data: { comment: null } }),
    );
    const word = outcome === 'approved' ? 'Approved' : 'Rejected';
    expect(mails).toMatchObject([
      { recipient: 'alice@example.com', subject: titled(`${word} by emergency override`) },
    ]);
    for (const part of [`was ${outcome} by an emergency`, 'Why: The server room', 'By: bob'])
      expect(mails[0]?.text).toContain(part);
  });

  it('inform the people of a stage.notified, each once', () => {
    const people = [person('dave'), person('erin'), person('dave')];
    const mails = told(
      pending,
      eventOf('stage.notified', { data: { stageKey: 'manager', stageIndex: 0, people } }),
    );
    expect(mails.map(({ recipient, subject }) => [recipient, subject])).toEqual([
      ['dave@example.com', titled('For your information')],
      ['erin@example.com', titled('For your information')],
    ]);
    expect(mails[0]?.text).toContain('Stage: Line manager (1 of 1)');
    expect(mails[0]?.text).toContain('is being decided');
  });

  it('do not say of a request that is decided that it is being decided', () => {
    const [mail] = told(
      { ...pending, state: 'rejected' },
      eventOf('stage.notified', {
        data: { stageKey: 'manager', stageIndex: 0, people: [person('dave')] },
      }),
    );
    expect(mail?.text).toContain('was to be decided and is rejected by now');
  });

  it('tell of a comment to the requester and to whom is asked, but not to its author', () => {
    const request = withTasks(
      taskOf('bob'),
      taskOf('bob', { id: 'another' }),
      taskOf('carol'),
      taskOf('dave', { state: 'approved' }),
    );
    const comment = (actor: TransitionEvent['actor']) =>
      told(
        request,
        eventOf('request.commented', { actor, data: { commentId: 'c', text: 'Which laptops?' } }),
      );
    const recipients = (actor: TransitionEvent['actor']) => comment(actor).map(({ recipient }) => recipient);
    const everybody = ['alice@example.com', 'bob@example.com', 'carol@example.com'];
    expect(recipients({ type: 'service', id: 'key-1', via: null })).toEqual(everybody);
    expect(recipients(by('id-dave'))).toEqual(everybody);
    expect(recipients(by('id-bob'))).toEqual(['alice@example.com', 'carol@example.com']);
    expect(recipients(by(pending.requester.id))).toEqual(['bob@example.com', 'carol@example.com']);
    const [mail] = comment(by('id-bob'));
    expect(mail?.subject).toBe(titled('Comment'));
    for (const part of ['bob has commented', 'Comment: Which laptops?']) expect(mail?.text).toContain(part);
  });

  it('begin no line with what somebody else wrote', () => {
    const evil = 'Eve\r\n\r\nLook at it and decide:\nhttps://evil.example.com/decide/1';
    const one = taskOf('bob', { onBehalfOf: { ...person('carol'), displayName: evil } });
    const request = {
      ...withTasks(one),
      title: evil,
      reason: evil,
      requester: { ...pending.requester, displayName: evil },
    };
    const [mail] = planMails(
      { request, events: [eventOf('task.assigned', { taskId: one.id })] },
      { [evil]: evil },
      settings,
    );
    expect(mail?.text.match(/^.*evil\.example\.com.*$/gm)?.length).toBeGreaterThan(4);
    expect(mail?.text).not.toMatch(/^https:\/\/evil/m);
  });

  it('escape what people wrote in every one of them', () => {
    const named = { ...person('bob'), displayName: hostile };
    const one = taskOf('bob', { assignee: named, onBehalfOf: named, decidedBy: named });
    const request = {
      ...withTasks(one),
      title: hostile,
      reason: hostile,
      requester: { ...pending.requester, displayName: hostile },
      stages: [{ ...first!, title: hostile, tasks: [one] }],
    };
    const types = [...eventTypes, 'stage.notified', 'request.commented'];
    const data = {
      to: [named],
      people: [named],
      text: hostile,
      reason: hostile,
      comment: hostile,
      stageKey: 'manager',
    };
    const mails = types.flatMap((type) =>
      planMails(
        { request, events: [eventOf(type, { taskId: one.id, data, actor: by('id-dave') })] },
        { [hostile]: hostile },
        settings,
      ),
    );
    expect(mails.length).toBeGreaterThan(types.length / 2);
    for (const { html } of mails) expect(html).not.toMatch(/<script|"1"|& /);
  });

  it('wait to be sent where there is a mail server', () => {
    const { request, event, payload } = exampleTransition('request.approved');
    const [mail] = planMails({ request, events: [event] }, payload, { ...settings, smtpUrl: 'smtp://mail' });
    expect(mail?.state).toBe('pending');
  });
});
