import { person, Run, submit, SYSTEM, userActor, workflow, NOW } from '../../test/given';
import { currentApprovers, isFinal, nextDue } from '..';

const after = (ms: number) => new Date(Date.parse(NOW) + ms).toISOString();
const hour = 3_600_000;
const day = 24 * hour;
const ids = (run: Run) => currentApprovers(run.request).map(({ id }) => id);

describe('a parallel group', () => {
  const group = workflow({
    stages: [
      { key: 'first' },
      {
        parallel: [
          { key: 'legal', approvers: [{ user: 'x' }] },
          { key: 'finance', approvers: [{ user: 'x' }], when: 'payload.amount > 10' },
        ],
      },
      { key: 'last', when: 'stages.finance.state == "approved"' },
    ],
  });
  const started = (amount: number) =>
    new Run(group, { amount }).when(submit()).resolved(['ann']).decides('ann', 'approve');

  it('asks for the approvers of all its stages at once, and goes on when all have ended', () => {
    const run = started(20);
    expect(run.effects.map(({ stageKey }) => stageKey)).toEqual(['legal', 'finance']);
    run.resolved(['bob']).resolved(['cy']);
    expect(run.stageStates).toEqual(['approved', 'active', 'active', 'pending']);
    run.decides('cy', 'approve');
    expect(run.types).toEqual(['task.decided', 'stage.ended', 'request.stage_approved']);
    run.decides('bob', 'approve');
    expect(run.effects.map(({ stageKey }) => stageKey)).toEqual(['last']);
  });

  it('starts only those that apply, and skips what follows from that', () => {
    const run = started(5).resolved(['bob']);
    expect(run.stageStates).toEqual(['approved', 'active', 'skipped', 'pending']);
    run.decides('bob', 'approve');
    expect(run.request.state).toBe('completed');
    expect(run.types.filter((type) => type === 'request.stage_approved')).toEqual([]);
  });

  it('is canceled as a whole by a rejection in one of them, even while another looks for its approvers', () => {
    const run = started(20).resolved(['bob']);
    run.decides('bob', 'reject');
    expect(run.request.state).toBe('rejected');
    expect(run.stageStates).toEqual(['approved', 'rejected', 'canceled', 'canceled']);
    expect(run.request.stages.every(({ resolutions }) => resolutions.length === 0)).toBe(true);
  });
});

describe('quorums', () => {
  const each = workflow({
    stages: [
      {
        key: 'a',
        approvers: [{ group: 'legal' }, { group: 'finance' }],
        quorum: {
          each: [
            { group: 'legal', approvals: 1 },
            { group: 'finance', approvals: 2 },
          ],
        },
      },
    ],
  });

  it('of each group count everybody for every group that they are in', () => {
    const run = new Run(each).when(submit());
    expect(run.effects[0]?.sources).toEqual([
      { group: 'legal' },
      { group: 'finance' },
      { group: 'legal' },
      { group: 'finance' },
    ]);
    run.resolved(['ann', 'bob', 'cy'], {}, { ann: [0, 2], bob: [0, 1, 2, 3], cy: [1, 3] });
    expect(run.request.stages[0]?.explanation).toBe('1 of 2 in legal and 2 of 2 in finance must approve.');
    run.decides('bob', 'approve');
    expect(run.request.state).toBe('pending_review');
    expect(run.decides('cy', 'approve').request.state).toBe('completed');
  });

  it('that nobody can meet any more end the stage, whatever the rule for rejections says', () => {
    const definition = workflow({
      stages: [{ key: 'a', quorum: { approvals: 2 }, reject: { rejections: 3 } }],
    });
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']);
    run.decides('ann', 'reject');
    expect(run.request.state).toBe('pending_review');
    expect(run.decides('bob', 'reject').request.state).toBe('rejected');
  });

  it('survive a rejection under `unreachable` while enough are left', () => {
    const definition = workflow({ stages: [{ key: 'a', quorum: 'majority', reject: 'unreachable' }] });
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']).decides('ann', 'reject');
    run.decides('bob', 'approve').decides('cy', 'approve');
    expect(run.request.state).toBe('completed');
  });
});

describe('a sequential stage', () => {
  const definition = workflow({ stages: [{ key: 'a', order: 'sequential', quorum: { approvals: 2 } }] });

  it('asks one after another, in the order of the list, until the quorum is met', () => {
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']);
    expect(ids(run)).toEqual(['ann']);
    run.decides('ann', 'approve');
    expect(ids(run)).toEqual(['bob']);
    run.decides('bob', 'approve');
    expect(run.request.state).toBe('completed');
  });
});

describe('who may not decide', () => {
  it('keeps those out who have decided a stage that must have other deciders, also when it comes again', () => {
    const definition = workflow({
      subject: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
      stages: [{ key: 'a', when: 'payload.amount > 1' }, { key: 'b', distinctFrom: ['a'] }, { key: 'c' }],
    });
    const run = new Run(definition, { amount: 5 }).when(submit()).resolved(['ann', 'bob']);
    run.decides('ann', 'approve').resolved(['ann', 'bob']);
    expect(ids(run)).toEqual(['bob']);
    run.decides('bob', 'approve').resolved(['cy']);
    run.when({ type: 'revise', actor: SYSTEM, payload: { value: { amount: 9 } } });
    expect(run.stageStates).toEqual(['pending', 'approved', 'pending']);
    expect(run.effects).toMatchObject([{ stageKey: 'a', exclude: ['bob', 'rita'] }]);
    run.resolved(['bob', 'ann']);
    expect(ids(run)).toEqual(['ann']);
  });

  it('gives the task of the requester to their manager when the stage says reroute', () => {
    const definition = workflow({ stages: [{ key: 'a', selfApproval: 'reroute' }] });
    const run = new Run(definition).when(submit());
    expect(run.effects[0]).toMatchObject({
      sources: [{ user: 'anybody' }, { manager: { of: 'rita', levels: 1 } }],
      exclude: [],
    });
    run.resolved(['rita', 'mona'], {}, { mona: [1] });
    expect(ids(run)).toEqual(['mona']);
    const other = new Run(definition).when(submit()).resolved(['ann', 'mona'], {}, { mona: [1] });
    expect(ids(other)).toEqual(['ann']);
  });
});

describe('the clock', () => {
  const timed = workflow({
    stages: [
      {
        key: 'a',
        sla: 'PT1H',
        remind: { after: 'PT2H', every: 'PT2H', max: 2 },
        escalate: [{ after: 'PT6H', to: [{ manager: { of: 'assignee' } }] }],
        expire: { after: 'P1D' },
      },
    ],
  });
  const run = () => new Run(timed).when(submit()).resolved(['ann']);

  it('does each thing once, when it is due', () => {
    const one = run();
    expect(nextDue(one.request)).toBe(after(hour));
    expect(one.ticks(after(hour - 1)).types).toEqual([]);
    expect(one.ticks(after(hour)).types).toEqual(['task.overdue']);
    expect(one.ticks(after(2 * hour)).types).toEqual(['task.reminded']);
    expect(one.ticks(after(4 * hour)).types).toEqual(['task.reminded']);
    expect(nextDue(one.request)).toBe(after(6 * hour));
    one.ticks(after(6 * hour));
    expect(one.effects).toMatchObject([{ sources: [{ manager: { of: 'ann', levels: 1 } }] }]);
    one.resolved(['mona']);
    expect(one.types).toEqual(['stage.resolved', 'task.escalated', 'stage.quorum_changed', 'task.assigned']);
    expect(ids(one)).toEqual(['ann', 'mona']);
    one.ticks(after(day));
    expect(one.request.state).toBe('rejected');
    expect(one.stageStates).toEqual(['expired']);
    expect(one.request.stages[0]?.tasks.map(({ state }) => state)).toEqual(['expired', 'expired']);
    expect(nextDue(one.request)).toBeNull();
  });

  it('catches up after a long silence without sending every reminder that was missed', () => {
    const one = run().ticks(after(5 * hour));
    expect(one.types).toEqual(['task.overdue', 'task.reminded']);
    expect(one.ticks(after(5 * hour)).types).toEqual([]);
  });

  it('replaces those who did not answer, and asks for no more approvals than there are people', () => {
    const definition = workflow({
      stages: [
        {
          key: 'a',
          quorum: 'all',
          escalate: [{ after: 'P1D', to: [{ user: 'boss' }], mode: 'replace' }],
        },
      ],
    });
    const one = new Run(definition).when(submit()).resolved(['ann', 'bob', 'cy']).decides('ann', 'approve');
    one.ticks(after(day)).resolved(['boss']);
    expect(ids(one)).toEqual(['boss']);
    expect(one.request.stages[0]?.tasks.map(({ state }) => state)).toEqual([
      'approved',
      'reassigned',
      'reassigned',
      'open',
    ]);
    expect(one.decides('boss', 'approve').request.state).toBe('completed');
  });

  it.each([
    ['approve', 'completed', 'approved'],
    ['cancel', 'canceled', 'expired'],
    ['expire', 'expired', 'expired'],
  ])('lets a stage that expires %s', (outcome, state, stageState) => {
    const definition = workflow({ stages: [{ key: 'a', expire: { after: 'PT1H', outcome } }] });
    const one = new Run(definition).when(submit()).resolved(['ann']).ticks(after(hour));
    expect([one.request.state, ...one.stageStates]).toEqual([state, stageState]);
  });

  it('counts working time where a calendar is named', () => {
    const definition = workflow({
      calendar: 'office',
      calendars: {
        office: { timeZone: 'Europe/Berlin', weekly: { mon: ['09:00-17:00'], tue: ['09:00-17:00'] } },
      },
      stages: [{ key: 'a', expire: { after: 'PT10H' } }],
    });
    // NOW is a Saturday: work starts on Monday at 09:00 in Berlin.
    const one = new Run(definition).when(submit()).resolved(['ann']);
    expect(nextDue(one.request)).toBe('2026-11-24T10:00:00.000Z');
  });
});

describe('revisions', () => {
  const subject = {
    type: 'object',
    required: ['amount', 'note'],
    properties: { amount: { type: 'number' }, note: { type: 'string' } },
  };
  const stages = [
    { key: 'manager' },
    { key: 'finance', when: 'payload.amount > 10', quorum: 'all' },
    { key: 'owner', reads: ['payload.note'] },
  ];
  const revise = (run: Run, value: unknown) =>
    run.when({ type: 'revise', actor: userActor('rita'), payload: { value } });
  const atOwner = (over: object = {}) =>
    new Run(workflow({ subject, stages, ...over }), { amount: 20, note: 'a' })
      .when(submit())
      .resolved(['ann'])
      .decides('ann', 'approve')
      .resolved(['bob'])
      .decides('bob', 'approve')
      .resolved(['cy']);

  it('dismiss just the approvals that the change touches, and put later stages back', () => {
    const run = revise(atOwner(), { amount: 30, note: 'a' });
    expect(run.request).toMatchObject({ revision: 2, payloadRevision: 2, state: 'pending_review' });
    expect(run.stageStates).toEqual(['approved', 'pending', 'pending']);
    expect(run.types).toContain('task.dismissed');
    expect(run.effects).toMatchObject([{ stageKey: 'finance' }]);
    expect(run.request.stages[1]?.past).toMatchObject([{ state: 'dismissed' }]);
    run.resolved(['bob']).decides('bob', 'approve').resolved(['cy']).decides('cy', 'approve');
    expect(run.request.state).toBe('completed');
  });

  it('dismiss nothing when nothing that matters changed, and make an older revision stale', () => {
    const run = revise(atOwner(), { amount: 20, note: 'b' });
    expect(run.stageStates).toEqual(['approved', 'approved', 'pending']);
    expect(run.request.revision).toBe(2);
    const none = revise(atOwner({ onChange: 'none' }), { amount: 1, note: 'b' });
    expect(none.stageStates).toEqual(['approved', 'approved', 'active']);
    expect(none.decides('cy', 'approve', { revision: 1 }).error?.code).toBe('stale_revision');
    const all = revise(atOwner({ onChange: 'all' }), { amount: 20, note: 'b' });
    expect(all.stageStates).toEqual(['pending', 'pending', 'pending']);
    expect(revise(atOwner(), { note: 'a', amount: 20 }).types).toEqual([]);
  });

  it('let a stage be skipped that does not apply any more', () => {
    const run = revise(atOwner(), { amount: 5, note: 'a' });
    expect(run.stageStates).toEqual(['approved', 'skipped', 'pending']);
    expect(run.effects).toMatchObject([{ stageKey: 'owner' }]);
  });

  it('are limited by maxRevisions', () => {
    const run = revise(atOwner({ maxRevisions: 2 }), { amount: 30, note: 'a' });
    expect(revise(run, { amount: 31, note: 'a' }).error?.code).toBe('invalid_transition');
  });

  it('of a returned request come with handing it in again, and every stage starts anew', () => {
    const run = atOwner().decides('cy', 'return', { comment: 'too vague' });
    expect(run.request.state).toBe('returned');
    revise(run, { amount: 20, note: 'better' });
    expect(run.request).toMatchObject({ state: 'returned', revision: 1, payloadRevision: 2 });
    run.when({ type: 'handIn', actor: userActor('rita') });
    expect(run.request).toMatchObject({ state: 'submitted', revision: 2 });
    expect(run.stageStates).toEqual(['pending', 'pending', 'pending']);
    expect(run.request.stages.map(({ past }) => past.map(({ state }) => state))).toEqual([
      ['approved'],
      ['approved'],
      ['returned'],
    ]);
    const old = run.request.stages[2]?.past[0]?.id ?? '';
    run.when({ type: 'decideTask', actor: userActor('cy'), taskId: old, decision: 'approve' });
    expect(run.error?.code).toBe('task_closed');
  });

  it('change a draft without counting until it is handed in', () => {
    const run = new Run(workflow({ subject, stages }), { amount: 1, note: 'a' }).when(
      submit({ draft: true }),
    );
    revise(run, { amount: 2, note: 'a' });
    revise(run, { amount: 3, note: 'a' });
    expect(run.request).toMatchObject({ revision: 1, payloadRevision: 2 });
    expect(run.when({ type: 'handIn', actor: SYSTEM }).request.revision).toBe(2);
  });
});

describe('people step in', () => {
  it('by passing a task on, which then counts in the place of the one before', () => {
    const definition = workflow({
      stages: [{ key: 'a', approvers: [{ group: 'g' }], quorum: { each: [{ group: 'g', approvals: 1 }] } }],
    });
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob'], {}, { ann: [0, 1], bob: [0, 1] });
    const task = run.request.stages[0]?.tasks[0]?.id ?? '';
    const pass = (to: string, actor = userActor('ann')) =>
      run.when({ type: 'reassign', actor, taskId: task, to: person(to), reason: null });
    expect(pass('bob').error).toMatchObject({ code: 'validation_failed', pointer: '/to' });
    expect(pass('rita').error?.code).toBe('validation_failed');
    expect(pass('eve', userActor('bob')).error?.code).toBe('not_assignee');
    expect(pass('eve').types).toEqual([
      'task.reassigned',
      'stage.quorum_changed',
      'task.assigned',
      'stage.awaiting_approvers',
    ]);
    expect(pass('zoe').error?.code).toBe('task_closed');
    expect(run.decides('eve', 'approve').request.state).toBe('completed');
  });

  it('by reminding, at most once an hour a task', () => {
    const run = new Run(workflow({ stages: [{ key: 'a' }] })).when(submit()).resolved(['ann']);
    const taskId = run.request.stages[0]?.tasks[0]?.id ?? '';
    const remind = (who: string) => run.when({ type: 'remind', actor: userActor(who), taskId });
    expect(remind('bob').error?.code).toBe('not_assignee');
    expect(remind('rita').types).toEqual(['task.reminded']);
    expect(run.at(after(hour - 60_000)) && remind('ann').error).toMatchObject({
      code: 'rate_limited',
      retryAfterS: 60,
    });
    expect(run.at(after(hour)) && remind('ann').types).toEqual(['task.reminded']);
  });

  it('by an emergency override', () => {
    const override = (outcome: 'approved' | 'rejected') =>
      new Run(workflow({ stages: [{ key: 'a' }, { key: 'b' }] }))
        .when(submit())
        .resolved(['ann'])
        .when({ type: 'override', actor: SYSTEM, outcome, reason: 'the plant is on fire' });
    const approved = override('approved');
    // The words of whoever overrode are in one event: theirs alone to erase.
    const events = approved.last.ok ? approved.last.events : [];
    const quoting = events.filter((event) => JSON.stringify(event).includes('on fire'));
    expect(quoting.map(({ type }) => type)).toEqual(['request.overridden']);
    expect(approved.request).toMatchObject({ state: 'completed', overridden: true });
    expect(approved.stageStates).toEqual(['canceled', 'canceled']);
    expect(override('rejected').request).toMatchObject({ state: 'rejected', overridden: true });
    const again = approved.when({
      type: 'override',
      actor: SYSTEM,
      outcome: 'rejected',
      reason: 'too late now',
    });
    expect(again.error?.code).toBe('invalid_transition');
  });

  it('for somebody who has left', () => {
    const definition = workflow({
      stages: [{ key: 'a', quorum: 'all', onNoApprovers: { fallback: [{ user: 'boss' }] } }],
    });
    const run = new Run(definition).when(submit()).resolved(['ann', 'bob']).decides('bob', 'approve');
    run.when({ type: 'personLeft', actor: SYSTEM, personId: 'ann' });
    expect(run.types).toEqual(['task.closed', 'stage.awaiting_approvers']);
    const alone = run.resolved(['bob']);
    expect(alone.request.state).toBe('completed');

    const nobody = new Run(definition).when(submit()).resolved(['ann']);
    nobody.when({ type: 'personLeft', actor: SYSTEM, personId: 'ann' }).resolved([]);
    expect(nobody.effects).toMatchObject([{ sources: [{ user: 'boss' }] }]);
    expect(ids(nobody.resolved(['boss']))).toEqual(['boss']);
    expect(nobody.decides('boss', 'approve').request.state).toBe('completed');
  });
});

describe('moving to another version', () => {
  const before = workflow({ stages: [{ key: 'a' }, { key: 'b' }] });
  const migrate = (stages: object[]) => {
    const run = new Run(before).when(submit()).resolved(['ann']).decides('ann', 'approve').resolved(['bob']);
    return run.when({ type: 'migrate', actor: SYSTEM, version: 2, target: workflow({ stages }) });
  };

  it('keeps what has happened and takes the stages still to come', () => {
    const run = migrate([{ key: 'a', title: 'A' }, { key: 'b' }, { key: 'c' }]);
    expect(run.request.workflow.version).toBe(2);
    expect(run.stageStates).toEqual(['approved', 'active', 'pending']);
  });

  it.each([
    ['a stage reached is missing', [{ key: 'b' }]],
    ['stages reached stand in another order', [{ key: 'b' }, { key: 'a' }]],
    ['a new stage comes before one reached', [{ key: 'a' }, { key: 'new' }, { key: 'b' }]],
    ['the running stage has another rule', [{ key: 'a' }, { key: 'b', quorum: 'all' }]],
    [
      'the running stage has become part of a group',
      [
        { key: 'a' },
        {
          parallel: [
            { key: 'b', approvers: [{ user: 'anybody' }] },
            { key: 'x', approvers: [{ user: 'x' }] },
          ],
        },
      ],
    ],
  ])('is refused when %s', (_, stages) => {
    expect(migrate(stages).error?.code).toBe('version_incompatible');
  });
});

it('a comment changes nothing but the trail, in every state', () => {
  const run = new Run(workflow({ stages: [{ key: 'a' }] }))
    .when(submit())
    .resolved(['ann'])
    .decides('ann', 'reject');
  expect(isFinal(run.request)).toBe(true);
  const { version } = run.request;
  run.when({ type: 'comment', actor: userActor('ann'), commentId: 'c1', text: 'sorry' });
  expect(run.request).toMatchObject({ state: 'rejected', version: version + 1 });
});
