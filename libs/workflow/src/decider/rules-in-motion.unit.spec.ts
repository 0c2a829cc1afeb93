import { person, Run, submit, SYSTEM, userActor, workflow, NOW } from '../../test/given';
import { currentApprovers } from '..';

const after = (ms: number) => new Date(Date.parse(NOW) + ms).toISOString();
const hour = 3_600_000;
const ids = (run: Run) => currentApprovers(run.request).map(({ id }) => id);
const leaves = (run: Run, personId: string) => run.when({ type: 'personLeft', actor: SYSTEM, personId });
const taskOf = (run: Run, who: string) =>
  run.request.stages
    .flatMap(({ tasks }) => tasks)
    .filter(({ assignee }) => assignee.id === who)
    .at(-1)?.id ?? 'none';
/** Nobody stands in for who gets the task. */
const passes = (run: Run, from: string, to: string) =>
  run
    .when({
      type: 'reassign',
      actor: userActor(from),
      taskId: taskOf(run, from),
      to: person(to),
      reason: null,
    })
    .resolved([to]);
/** As if `delegator` had handed their task of the first stage to whoever holds it. */
const standsInFor = (run: Run, delegate: string, delegator: string) => {
  run.state = {
    ...run.request,
    stages: run.request.stages.map((stage) => ({
      ...stage,
      tasks: stage.tasks.map((task) =>
        task.assignee.id === delegate && task.onBehalfOf === null
          ? { ...task, onBehalfOf: person(delegator) }
          : task,
      ),
    })),
  };
  return run;
};

describe('people who leave at once', () => {
  it.each(['parallel', 'sequential'])('are replaced by the fallback (%s)', (order) => {
    const onNoApprovers = { fallback: [{ user: 'eve' }] };
    const definition = workflow({ stages: [{ key: 'a', order, quorum: 'all', onNoApprovers }] });
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']);
    for (const person of ['ann', 'bob', 'cy']) leaves(run, person);
    while (run.request.stages[0]?.resolutions.some(({ purpose }) => purpose === 'refill')) run.resolved([]);
    expect(run.request.state).toBe('pending_review');
    run.resolved(['eve']);
    expect(ids(run)).toEqual(['eve']);
  });

  it('fail the request only once nobody is found for any of them', () => {
    const run = new Run(workflow({ stages: [{ key: 'a' }] })).when(submit()).resolved(['ann', 'bob']);
    leaves(leaves(run, 'ann'), 'bob').resolved([]);
    expect(run.request.state).toBe('pending_review');
    run.resolved([]);
    expect(run.request.state).toBe('failed');
  });
});

describe('somebody who leaves', () => {
  it.each(['ann', 'dora'])('is a delegate or a delegator: the vote is looked for again (%s)', (leaver) => {
    const run = new Run(workflow({ stages: [{ key: 'a', quorum: 'all' }] })).when(submit());
    standsInFor(run.resolved(['ann']), 'ann', 'dora');
    expect(leaves(run, leaver).types).toEqual(['task.closed', 'stage.awaiting_approvers']);
    run.resolved([leaver === 'ann' ? 'dora' : 'eve']);
    expect(ids(run)).toEqual([leaver === 'ann' ? 'dora' : 'eve']);
  });

  it('does not make a rejection final while others are being looked for', () => {
    const definition = workflow({
      stages: [{ key: 'a', quorum: { approvals: 2 }, reject: 'unreachable' }],
    });
    const run = leaves(new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']), 'ann');
    run.decides('bob', 'reject', { comment: 'too dear' });
    expect(run.request.state).toBe('pending_review');
    run.resolved(['bob', 'cy', 'dee']);
    expect(ids(run)).toEqual(['cy', 'dee']);
  });

  it('leaves a rejection behind that says whose it was once nobody else is found', () => {
    const definition = workflow({
      stages: [{ key: 'a', quorum: { approvals: 2 }, reject: 'unreachable' }],
    });
    const run = leaves(new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']), 'ann');
    run.decides('bob', 'reject', { comment: 'too dear' }).resolved(['bob', 'cy']);
    expect(run.request.state).toBe('rejected');
    const rejected = run.last.ok ? run.last.events.find(({ type }) => type === 'request.rejected') : null;
    expect(rejected).toMatchObject({ stageKey: 'a', decidedBy: { id: 'bob' }, comment: 'too dear' });
  });

  it('does not bring back somebody who has passed their task on, but does when their stand-in leaves', () => {
    const run = new Run(workflow({ stages: [{ key: 'a', quorum: 'all' }] })).when(submit());
    passes(run.resolved(['ann', 'bob']), 'ann', 'eve');
    leaves(run, 'bob').resolved(['ann', 'cy']);
    expect(ids(run)).toEqual(['eve', 'cy']);
    leaves(run, 'eve').resolved(['ann', 'cy']);
    expect(ids(run)).toEqual(['cy', 'ann']);
  });

  it('does not bring back those whom an escalation has replaced, unless nobody else is left', () => {
    const definition = workflow({
      stages: [{ key: 'a', escalate: [{ after: 'PT1H', to: [{ user: 'boss' }], mode: 'replace' }] }],
    });
    const run = new Run(definition).when(submit()).resolved(['ann']).ticks(after(hour));
    run.resolved(['boss', 'chief']);
    leaves(run, 'chief').resolved(['ann']);
    expect(ids(run)).toEqual(['boss']);
    leaves(run, 'boss').resolved(['ann']);
    expect(ids(run)).toEqual(['ann']);
  });

  it('does not raise the quorum that an escalation has left as it was', () => {
    const definition = workflow({
      stages: [{ key: 'a', quorum: { percent: 50 }, escalate: [{ after: 'PT1H', to: [{ user: 'boss' }] }] }],
    });
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob']).ticks(after(hour));
    run.resolved(['boss', 'chief']);
    leaves(run, 'ann').resolved(['bob']);
    expect(run.request.stages[0]?.quorum).toEqual([{ approvals: 1, people: null }]);
  });

  it('takes away no approval that counts for a part of the quorum', () => {
    const each = [
      { group: 'g', approvals: 1 },
      { group: 'h', approvals: 1 },
    ];
    const approvers = [{ group: 'g' }, { group: 'h' }];
    const run = new Run(workflow({ stages: [{ key: 'a', approvers, quorum: { each } }] })).when(submit());
    run.resolved(['ann', 'bob'], {}, { ann: [0, 2], bob: [1, 3] });
    passes(run, 'ann', 'eve').decides('eve', 'approve');
    leaves(run, 'bob').resolved(['ann', 'cy'], {}, { ann: [0, 2], cy: [1, 3] });
    expect(ids(run)).toEqual(['cy']);
    expect(run.decides('cy', 'approve').request.state).toBe('completed');
  });
});

describe('an escalation', () => {
  const replacing = (over: object) =>
    new Run(
      workflow({
        stages: [
          {
            key: 'a',
            reject: 'unreachable',
            escalate: [{ after: 'PT1H', to: [{ user: 'boss' }], mode: 'replace' }],
            ...over,
          },
        ],
      }),
    ).when(submit());

  it.each(['majority', { approvals: 2 }])('with `replace` rejects nothing by itself (%j)', (quorum) => {
    const run = replacing({ quorum }).resolved(['ann', 'bob', 'cy']).decides('ann', 'reject');
    run.ticks(after(hour)).resolved(['boss']);
    expect(run.request.state).toBe('pending_review');
    expect(run.decides('boss', 'approve').request.state).toBe('completed');
  });

  it('with `replace` asks one after another where the stage does', () => {
    const run = replacing({ order: 'sequential', quorum: 'all' }).resolved(['ann', 'bob']);
    run.ticks(after(hour)).resolved(['boss', 'chief']);
    expect(ids(run)).toEqual(['boss']);
    expect(ids(run.decides('boss', 'approve'))).toEqual(['chief']);
  });
});

describe('an escalation that names people who are in the stage already', () => {
  const escalating = (mode: 'add' | 'replace', over: object = {}) =>
    new Run(
      workflow({
        stages: [{ key: 'a', ...over, escalate: [{ after: 'PT1H', to: [{ group: 'g' }], mode }] }],
      }),
    ).when(submit());

  it('leaves them their tasks when it replaces the others', () => {
    const run = escalating('replace', { quorum: 'all' }).resolved(['ann', 'bob']).ticks(after(hour));
    run.resolved(['ann', 'boss']);
    expect(ids(run)).toEqual(['ann', 'boss']);
    expect(run.request.stages[0]?.tasks.map(({ state }) => state)).toEqual(['open', 'reassigned', 'open']);
    expect(run.request.stages[0]?.quorum).toEqual([{ approvals: 2, people: null }]);
  });

  it.each(['add', 'replace'] as const)('asks those now who wait for their turn (%s)', (mode) => {
    const run = escalating(mode, { order: 'sequential', quorum: 'all' }).resolved(['ann', 'bob', 'boss']);
    run.ticks(after(hour)).resolved(['boss']);
    expect(ids(run)).toEqual(mode === 'add' ? ['ann', 'boss'] : ['boss']);
    expect(run.request.stages[0]?.queue.map(({ person: { id } }) => id)).toEqual(
      mode === 'add' ? ['bob'] : [],
    );
    expect(run.request.stages[0]?.quorum).toEqual([{ approvals: mode === 'add' ? 3 : 1, people: null }]);
  });
});

describe('a task under a delegation', () => {
  const each = { each: [{ group: 'g', approvals: 1 }] };

  it('that is passed on keeps the place of the delegator in the quorum', () => {
    const run = new Run(workflow({ stages: [{ key: 'a', approvers: [{ group: 'g' }], quorum: each }] })).when(
      submit(),
    );
    run.resolved(['dora'], {}, { dora: [0, 1] });
    run.state = {
      ...run.request,
      stages: run.request.stages.map((stage) => ({
        ...stage,
        tasks: stage.tasks.map((task) => ({ ...task, assignee: person('ann'), onBehalfOf: person('dora') })),
      })),
    };
    passes(run, 'ann', 'eve');
    expect(run.decides('eve', 'approve').request.state).toBe('completed');
  });

  it('and the own task of the delegate are two votes, because the delegator may give theirs', () => {
    const run = new Run(workflow({ stages: [{ key: 'a', quorum: 'all', reject: { rejections: 2 } }] })).when(
      submit(),
    );
    run.resolved(['ann', 'bob']);
    run.state = {
      ...run.request,
      stages: run.request.stages.map((stage) => ({
        ...stage,
        tasks: stage.tasks.map((task) =>
          task.assignee.id === 'bob' ? { ...task, assignee: person('ann'), onBehalfOf: person('bob') } : task,
        ),
      })),
    };
    const [own, other] = run.request.stages[0]?.tasks ?? [];
    run.when({
      type: 'decideTask',
      actor: userActor('ann'),
      taskId: own?.id ?? '',
      decision: 'approve',
    });
    expect(run.request.state).toBe('pending_review');
    run.when({
      type: 'decideTask',
      actor: userActor('bob'),
      taskId: other?.id ?? '',
      decision: 'approve',
    });
    expect(run.request.state).toBe('completed');
  });
});

describe('a revision', () => {
  const subject = {
    type: 'object',
    required: ['note'],
    properties: { note: { type: 'string' }, due: { type: 'string' } },
  };
  const revise = (run: Run, value: unknown) =>
    run.when({ type: 'revise', actor: userActor('rita'), payload: { value } });

  it('that leaves a question open is what the question is about from then on', () => {
    const run = new Run(workflow({ subject, stages: [{ key: 'a' }] }), { note: 'a' }).when(submit());
    revise(run.resolved(['ann']), { note: 'b' });
    const task = run.request.stages[0]?.tasks[0];
    expect(task).toMatchObject({ state: 'open', revision: 2 });
    run.decides('ann', 'approve', { revision: task?.revision });
    expect(run.request.stages[0]?.tasks[0]).toMatchObject({ state: 'approved', revision: 2 });
  });

  it('leaves decisions on the revision that they were made on', () => {
    const run = new Run(workflow({ subject, stages: [{ key: 'a', quorum: 'all' }] }), { note: 'a' });
    run.when(submit()).resolved(['ann', 'bob']).decides('ann', 'approve');
    revise(run, { note: 'b' });
    expect(run.request.stages[0]?.tasks.map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it('of the field that says when a stage is due dismisses nothing', () => {
    const definition = workflow({
      subject,
      stages: [{ key: 'a', sla: { field: 'payload.due' } }, { key: 'b' }],
    });
    const run = new Run(definition, { note: 'a', due: 'PT1H' }).when(submit()).resolved(['ann']);
    run.decides('ann', 'approve').resolved(['bob']);
    revise(run, { note: 'a', due: 'PT2H' });
    expect(run.stageStates).toEqual(['approved', 'active']);
  });

  it('of that field moves when the stage and its open tasks are due', () => {
    const definition = workflow({
      subject,
      stages: [{ key: 'a', sla: { field: 'payload.due' }, quorum: 'all' }],
    });
    const run = new Run(definition, { note: 'a', due: 'PT1H' }).when(submit()).resolved(['ann', 'bob']);
    run.ticks(after(hour)).decides('ann', 'approve');
    expect(run.request.stages[0]?.tasks[1]?.overdue).toBe(true);
    revise(run, { note: 'a', due: 'PT3H' });
    expect(run.types).toEqual(['request.revised', 'stage.due_changed']);
    const [stage] = run.request.stages;
    expect([stage?.dueAt, ...(stage?.tasks ?? []).map(({ dueAt }) => dueAt)]).toEqual([
      after(3 * hour),
      after(hour),
      after(3 * hour),
    ]);
    expect(run.ticks(after(3 * hour)).types).toEqual(['task.overdue']);
    expect(revise(run, { note: 'b', due: 'PT3H' }).types).toEqual(['request.revised']);
    expect(revise(run, { note: 'b' }).request.stages[0]?.dueAt).toBeNull();
  });

  it('of everything is compared with what 500 stages read', () => {
    const stages = Array.from({ length: 499 }, (_, n) => ({
      key: `s${n}`,
      when: 'false',
      reads: ['payload.x', 'payload.y', 'payload.z'],
    }));
    const payload = (value: number) =>
      Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, value]));
    const definition = workflow({ stages: [...stages, { key: 'last' }] });
    const run = new Run(definition, payload(1)).when(submit()).resolved(['ann']);
    revise(run, payload(2));
    expect(run.stageStates.at(-1)).toBe('active');
  });
});

describe('reason codes', () => {
  const definition = workflow({ reasonCodes: { reject: ['budget'], return: [] }, stages: [{ key: 'a' }] });
  it.each([
    ['reject', 'budget', undefined],
    ['reject', 'other', 'validation_failed'],
    ['return', 'other', 'validation_failed'],
    ['approve', 'whatever', undefined],
  ] as const)('of %s, %s', (decision, reasonCode, code) => {
    const run = new Run(definition).when(submit()).resolved(['ann']).decides('ann', decision, { reasonCode });
    expect(run.error?.code).toBe(code);
  });
});

describe('the clock', () => {
  it('says at once that a task is late whose time was over when it was opened', () => {
    const definition = workflow({ stages: [{ key: 'a', sla: { field: 'payload.due' } }] });
    const run = new Run(definition, { due: '2026-11-21T08:00:00Z' }).when(submit()).resolved(['ann']);
    expect(run.ticks(NOW).types).toEqual(['task.overdue']);
    expect(run.ticks(NOW).types).toEqual([]);
  });

  it('makes up for no reminder that was missed, and counts it', () => {
    const remind = { after: 'PT1H', every: 'PT1H', max: 4 };
    const run = new Run(workflow({ stages: [{ key: 'a', remind }] })).when(submit()).resolved(['ann']);
    expect(run.ticks(after(3.5 * hour)).types).toEqual(['task.reminded']);
    expect(run.request.stages[0]?.tasks[0]).toMatchObject({ reminders: 3, remindAt: after(4 * hour) });
    expect(run.ticks(after(9 * hour)).types).toEqual(['task.reminded']);
    expect(run.ticks(after(99 * hour)).types).toEqual([]);
  });

  it('reminds nobody of what has expired meanwhile', () => {
    const stage = { key: 'a', remind: { after: 'PT1H' }, expire: { after: 'PT2H' } };
    const run = new Run(workflow({ stages: [stage] })).when(submit()).resolved(['ann']);
    expect(run.ticks(after(3 * hour)).types).not.toContain('task.reminded');
    expect(run.request.state).toBe('rejected');
  });

  const due = (value: string) =>
    new Run(workflow({ stages: [{ key: 'a', sla: { field: 'payload.due' } }] }), { due: value })
      .when(submit())
      .resolved(['ann']).request.stages[0]?.dueAt;

  it('lets no duration last longer than 20 years', () => {
    expect(due('P999999W')).toBe('2046-11-21T09:00:00.000Z');
  });

  it.each(['9999-12-31T23:59:59-12:00', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+12:00'])(
    'has no time of more or less than four digits of a year (%s)',
    (value) => expect(due(value)).toBeNull(),
  );

  it('says why a stage that expires is rejected', () => {
    const run = new Run(workflow({ stages: [{ key: 'a', expire: { after: 'PT1H' } }] })).when(submit());
    run.resolved(['ann']).ticks(after(hour));
    expect(run.request.stages[0]).toMatchObject({
      state: 'expired',
      explanation: 'Nobody decided in time.',
    });
  });
});

it('moving a request on is refused when the running stage would expire otherwise', () => {
  const definition = workflow({ stages: [{ key: 'a', expire: { after: 'PT1H', outcome: 'approve' } }] });
  const run = new Run(definition).when(submit()).resolved(['ann']);
  const target = workflow({ stages: [{ key: 'a' }] });
  expect(run.when({ type: 'migrate', actor: SYSTEM, version: 2, target }).error?.code).toBe(
    'version_incompatible',
  );
});

it('the manager of the requester takes the place in line that the requester had', () => {
  const definition = workflow({ stages: [{ key: 'a', selfApproval: 'reroute', order: 'sequential' }] });
  const run = new Run(definition).when(submit()).resolved(['rita', 'ann', 'mona'], {}, { mona: [1] });
  expect(ids(run)).toEqual(['mona']);
});

it.each([
  [750, 4.4, 33],
  [750, 4.41, 34],
  [3, 50, 2],
  [3, 0.1, 1],
  [7, 100, 7],
])('of %d approvers %d percent are %d approvals', (count, percent, needed) => {
  const run = new Run(workflow({ stages: [{ key: 'a', quorum: { percent } }] })).when(submit());
  run.resolved(Array.from({ length: count }, (_, n) => `p${n}`));
  expect(run.request.stages[0]?.quorum).toEqual([{ approvals: needed, people: null }]);
});

describe('people to inform', () => {
  const informed = (over: object = {}) =>
    new Run(workflow({ stages: [{ key: 'a', notify: [{ user: 'observer' }], ...over }] }))
      .when(submit())
      .resolved(['ann']);

  it('are informed although the stage ends before it is known who they are', () => {
    const run = informed().decides('ann', 'approve');
    expect(run.request.state).toBe('completed');
    expect(run.resolved(['olga']).types).toEqual(['stage.resolved', 'stage.notified']);
    expect(run.request).toMatchObject({ state: 'completed' });
    expect(run.resolved(['olga']).types).toEqual([]);
  });

  it('are informed of the newest start only when a stage starts again', () => {
    const run = informed()
      .decides('ann', 'return')
      .when({ type: 'handIn', actor: userActor('rita') });
    expect(run.request.stages[0]?.resolutions).toMatchObject([{ purpose: 'start' }]);
  });
});

describe('what an answer about approvers leaves behind', () => {
  it('is who was left out and why, and what a resolver had to say', () => {
    const definition = workflow({
      stages: [{ key: 'a', approvers: [{ field: 'payload.owner' }, { group: 'g' }] }],
    });
    const run = new Run(definition).when(submit());
    run.resolved(['rita', 'ann'], {
      skipped: [{ ref: 'bob', why: 'is not active' }],
      note: 'The webhook answered 500.',
    });
    const [resolved] = run.last.ok ? run.last.events : [];
    expect(resolved).toMatchObject({
      type: 'stage.resolved',
      purpose: 'start',
      note: 'The webhook answered 500.',
      leftOut: [
        { ref: 'bob', why: 'is not active' },
        { ref: 'payload.owner', why: 'payload.owner does not name anybody' },
        { ref: 'the requester', why: 'may not approve their own request' },
      ],
    });
  });
});

it('says of a person whom a field or an expression names what it was', () => {
  const definition = workflow({
    subject: {
      type: 'object',
      required: ['owner', 'group'],
      properties: { owner: { type: 'string' }, group: { type: 'string' } },
    },
    stages: [
      {
        key: 'a',
        approvers: [
          { user: 'ann' },
          { field: 'payload.owner' },
          { expression: '[payload.owner]' },
          { group: { field: 'payload.group' } },
        ],
      },
    ],
  });
  const run = new Run(definition, { owner: 'bob', group: 'g' }).when(submit());
  expect(run.effects[0]?.sources).toEqual([
    { user: 'ann' },
    { user: 'bob', by: 'payload.owner' },
    { user: 'bob', by: 'the expression “[payload.owner]”' },
    { group: 'g' },
  ]);
});
