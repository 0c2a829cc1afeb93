import { person, requester, Run, submit, SYSTEM, userActor, workflow, NOW } from '../../test/given';
import { currentApprovers, evolve, initialStages, isPublicEvent, stageIndex, totalStages } from '..';

const one = workflow({ stages: [{ key: 'a' }] });
const two = workflow({ stages: [{ key: 'a' }, { key: 'b' }] });

describe('submitting', () => {
  it('creates the request and asks for the approvers of the first stage', () => {
    const run = new Run(two).when(submit());
    expect(run.types).toEqual(['request.created', 'request.submitted', 'stage.awaiting_approvers']);
    expect(run.request).toMatchObject({ state: 'submitted', version: 2, revision: 1, submittedAt: NOW });
    expect(run.effects).toEqual([
      {
        type: 'resolveApprovers',
        resolutionId: run.request.stages[0]?.resolutions[0]?.id,
        stageKey: 'a',
        stageIndex: 0,
        rules: [{ rule: 'approvers.0', count: 1 }],
        sources: [{ user: 'anybody' }],
        exclude: ['rita'],
        delegations: { workflow: 'w', forbidden: ['rita'] },
      },
    ]);
  });

  it('only creates a draft, which is routed when it is submitted', () => {
    const run = new Run(one).when(submit({ draft: true }));
    expect(run.types).toEqual(['request.created']);
    expect(run.request).toMatchObject({ state: 'draft', version: 1, submittedAt: null });
    run.when({ type: 'handIn', actor: userActor('rita') });
    expect(run.types).toEqual(['request.submitted', 'stage.awaiting_approvers']);
    expect(run.request).toMatchObject({ state: 'submitted', version: 2 });
    expect(run.when({ type: 'handIn', actor: SYSTEM }).error?.code).toBe('invalid_transition');
  });

  it('is refused for a request that exists', () => {
    expect(new Run(one).when(submit()).when(submit()).error?.code).toBe('invalid_transition');
  });

  it('looks up the fields that name approvers and fills in defaults', () => {
    const approvers = [
      { user: 'ann' },
      { group: { field: 'payload.group' } },
      { field: 'payload.owners' },
      { field: 'payload.missing' },
      { manager: {} },
      { webhook: { url: 'https://erp.example.com/' } },
    ];
    const run = new Run(workflow({ stages: [{ key: 'a', approvers }] }), {
      group: 'finance',
      owners: ['bob', 'cy', 7],
    });
    expect(run.when(submit()).effects[0]?.sources).toEqual([
      { user: 'ann' },
      { group: 'finance' },
      { user: 'bob', by: 'payload.owners' },
      { user: 'cy', by: 'payload.owners' },
      { manager: { of: 'rita', levels: 1 } },
      { webhook: { url: 'https://erp.example.com/', format: 'easylife', timeout: 'PT10S' } },
    ]);
  });
});

describe('conditions', () => {
  const conditional = workflow({
    stages: [
      { key: 'a', when: 'payload.amount > 1000' },
      {
        key: 'b',
        when: 'stages.a.state == "skipped" && requester.region == "EMEA" && request.revision == 1',
      },
    ],
  });

  it('skip stages with an explanation that names the values', () => {
    const run = new Run(conditional, { amount: 800 }).when(submit());
    expect(run.stageStates).toEqual(['skipped', 'pending']);
    expect(run.request.stages[0]).toMatchObject({
      explanation: 'Skipped: amount is 800, a starts above 1000.',
      endedAt: NOW,
      startedAt: null,
    });
    expect(run.effects).toMatchObject([{ stageKey: 'b', stageIndex: 1 }]);
  });

  it('take JSON numbers as doubles that compare with integer literals', () => {
    const run = new Run(conditional, { amount: 1000.01 }).when(submit());
    expect(run.effects).toMatchObject([{ stageKey: 'a' }]);
  });

  it('fail the request when they cannot be evaluated', () => {
    const run = new Run(conditional, {}).when(submit());
    expect(run.types).toEqual([
      'request.created',
      'request.submitted',
      'stage.ended',
      'stage.ended',
      'request.failed',
    ]);
    expect(run.request).toMatchObject({ state: 'failed', decidedAt: null });
    expect(run.request.failure).toMatchObject({ code: 'expression_error', stage: 'a' });
    expect(run.request.failure?.detail).toContain('payload.amount > 1000');
    expect(run.stageStates).toEqual(['failed', 'canceled']);
  });

  it('share what they may cost, so that many of them cannot stall routing', () => {
    const when = '!payload.items.all(a, payload.items.all(b, a + b >= 0.0))';
    const definition = workflow({ stages: Array.from({ length: 20 }, (_, i) => ({ key: `s${i}`, when })) });
    const run = new Run(definition, { items: Array.from({ length: 130 }, (_, i) => i) }).when(submit());
    expect(run.request.failure).toMatchObject({ code: 'expression_error', stage: 's5' });
    expect(run.request.failure?.detail).toContain('too many steps');
  });

  it('make the stage before the last one that applies approve the request', () => {
    const skipsLast = workflow({ stages: [{ key: 'a' }, { key: 'b', when: 'payload.amount > 1000' }] });
    const run = new Run(skipsLast, { amount: 1 }).when(submit()).resolved(['ann']).decides('ann', 'approve');
    expect(run.types).toEqual([
      'task.decided',
      'stage.ended',
      'stage.skipped',
      'request.approved',
      'request.completed',
    ]);
  });

  it('leave a request without stages to onNoStage', () => {
    const stages = [{ key: 'a', when: 'false' }];
    const failed = new Run(workflow({ stages })).when(submit());
    expect(failed.request).toMatchObject({ state: 'failed', failure: { code: 'no_stage', stage: null } });
    const approved = new Run(workflow({ stages, onNoStage: 'approve' })).when(submit());
    expect(approved.request).toMatchObject({ state: 'completed', decidedAt: NOW, completedAt: NOW });
    expect(approved.types.slice(-2)).toEqual(['request.approved', 'request.completed']);
  });
});

describe('resolved approvers', () => {
  it('start the stage with one task for each person', () => {
    const run = new Run(one).when(submit()).resolved(['ann', 'bob', 'ann']);
    expect(run.types).toEqual(['stage.resolved', 'request.stage_started', 'task.assigned', 'task.assigned']);
    expect(run.request).toMatchObject({ state: 'pending_review', version: 3 });
    expect(run.request.stages[0]).toMatchObject({
      state: 'active',
      quorum: [{ approvals: 1, people: null }],
      resolutions: [],
      explanation: '1 of 2 approvers must approve.',
    });
    expect(currentApprovers(run.request).map(({ id }) => id)).toEqual(['ann', 'bob']);
  });

  it('never give the requester a task, even when the resolver names them', () => {
    const run = new Run(one).when(submit()).resolved(['rita', 'ann']);
    expect(currentApprovers(run.request).map(({ id }) => id)).toEqual(['ann']);
    const only = new Run(one).when(submit()).resolved(['rita']);
    expect(only.request.failure).toMatchObject({ code: 'no_approvers' });
    expect(only.request.failure?.detail).toContain('the requester may not approve their own request');
  });

  it('may be the requester where the workflow allows it', () => {
    const allow = workflow({ stages: [{ key: 'a', selfApproval: 'allow' }] });
    const run = new Run(allow).when(submit());
    expect(run.effects[0]?.exclude).toEqual([]);
    expect(currentApprovers(run.resolved(['rita']).request)).toEqual([
      expect.objectContaining({ id: requester.id }),
    ]);
  });

  it('change nothing when they are late or come twice', () => {
    const run = new Run(two).when(submit());
    const resolutionId = run.request.stages[0]?.resolutions[0]?.id ?? '';
    run.resolved(['ann']);
    const before = run.request;
    for (const stageKey of ['a', 'b', 'x']) {
      run.when({
        type: 'approversResolved',
        actor: SYSTEM,
        resolutionId,
        stageKey,
        outcome: { approvers: [{ person: person('eve'), why: ['late'], sources: [0] }], skipped: [] },
      });
      expect(run.last).toEqual({ ok: true, events: [], effects: [] });
    }
    expect(run.request).toBe(before);
    run.when({ type: 'cancel', actor: SYSTEM, reason: 'x' });
    expect(run.resolved(['ann']).last).toEqual({ ok: true, events: [], effects: [] });
  });

  describe('when there are none', () => {
    const withRule = (onNoApprovers: unknown, more: object[] = [], over: object = {}) =>
      workflow({ stages: [{ key: 'a', onNoApprovers, ...over }, ...more] });

    it('fail the request and say whom they left out', () => {
      const run = new Run(one)
        .when(submit())
        .resolved([], { skipped: [{ ref: 'bob', why: 'is not active' }] });
      expect(run.types).toEqual(['stage.resolved', 'stage.ended', 'request.failed']);
      expect(run.request.failure).toEqual({
        code: 'no_approvers',
        stage: 'a',
        detail: 'Nobody could be identified to approve the stage a (bob: is not active).',
      });
    });

    it('tell which field of the payload names nobody', () => {
      const definition = workflow({ stages: [{ key: 'a', approvers: [{ field: 'payload.owner' }] }] });
      const run = new Run(definition).when(submit()).resolved([]);
      expect(run.request.failure?.detail).toContain('payload.owner does not name anybody');
    });

    it('skip the stage, and a request that skipped everything has no stage', () => {
      const run = new Run(withRule('skip', [{ key: 'b' }])).when(submit()).resolved([]);
      expect(run.stageStates).toEqual(['skipped', 'pending']);
      expect(run.effects).toMatchObject([{ stageKey: 'b' }]);
      expect(new Run(withRule('skip')).when(submit()).resolved([]).request.failure?.code).toBe('no_stage');
    });

    it('approve the stage', () => {
      const last = new Run(withRule('approve')).when(submit()).resolved([]);
      expect(last.types).toEqual([
        'stage.resolved',
        'request.stage_started',
        'stage.ended',
        'request.approved',
        'request.completed',
      ]);
      const first = new Run(withRule('approve', [{ key: 'b' }])).when(submit()).resolved([]);
      expect(first.types).toEqual([
        'stage.resolved',
        'request.stage_started',
        'stage.ended',
        'request.stage_approved',
        'stage.awaiting_approvers',
      ]);
    });

    it('ask the fallback once', () => {
      const definition = withRule({ fallback: [{ group: 'cfo' }] });
      const run = new Run(definition).when(submit());
      const first = run.request.stages[0]?.resolutions[0]?.id;
      run.resolved([]);
      expect(run.types).toEqual(['stage.resolved', 'stage.awaiting_approvers']);
      expect(run.effects).toMatchObject([{ sources: [{ group: 'cfo' }], exclude: ['rita'] }]);
      expect(run.request.stages[0]?.resolutions[0]?.id).not.toBe(first);
      expect(run.resolved([]).request.failure?.code).toBe('no_approvers');
      const found = new Run(definition).when(submit()).resolved([]).resolved(['ann']);
      expect(found.request.state).toBe('pending_review');
    });

    it.each(['fail', 'skip', 'approve'])('fail a quorum that can never be met, whatever %s says', (rule) => {
      const definition = withRule(rule, [], { quorum: { approvals: 2 } });
      const run = new Run(definition).when(submit()).resolved(['ann']);
      expect(run.request.failure).toEqual({
        code: 'no_approvers',
        stage: 'a',
        detail: 'The stage a needs 2 approvals, but only 1 approver was found.',
      });
      expect(run.request.stages[0]?.tasks).toEqual([]);
    });
  });
});

describe('deciding', () => {
  it('approves the request with the last stage and completes it at once', () => {
    const run = new Run(two)
      .when(submit())
      .resolved(['ann', 'bob'])
      .decides('ann', 'approve', { comment: 'ok' });
    expect(run.types).toEqual([
      'task.decided',
      'task.closed',
      'stage.ended',
      'request.stage_approved',
      'stage.awaiting_approvers',
    ]);
    expect(run.request.state).toBe('pending_review');
    expect(run.request.stages[0]?.tasks.map(({ state }) => state)).toEqual(['approved', 'canceled']);
    expect(run.request.stages[0]?.tasks[0]).toMatchObject({
      decision: 'approve',
      decidedBy: person('ann'),
      decidedAt: NOW,
      comment: 'ok',
    });
    expect(stageIndex(run.request)).toBe(1);
    run.resolved(['cy']).decides('cy', 'approve');
    expect(run.types).toEqual(['task.decided', 'stage.ended', 'request.approved', 'request.completed']);
    expect(run.request).toMatchObject({ state: 'completed', version: 6, decidedAt: NOW, completedAt: NOW });
  });

  it.each([
    ['any', 3, 1],
    ['all', 3, 3],
    ['majority', 3, 2],
    ['majority', 4, 3],
    [{ approvals: 2 }, 3, 2],
    [{ percent: 50 }, 3, 2],
    [{ percent: 1 }, 3, 1],
  ])('needs for the quorum %j of %d approvers %d approvals', (quorum, people, needed) => {
    const names = ['ann', 'bob', 'cy', 'dee'].slice(0, people);
    const run = new Run(workflow({ stages: [{ key: 'a', quorum }] })).when(submit()).resolved(names);
    names.slice(0, needed).forEach((name, index) => {
      expect(run.request.state).toBe('pending_review');
      run.decides(name, 'approve');
      expect(run.request.state).toBe(index + 1 === needed ? 'completed' : 'pending_review');
    });
  });

  it('rejects the request with the first rejection', () => {
    const run = new Run(two)
      .when(submit())
      .resolved(['ann', 'bob'])
      .decides('bob', 'reject', { reasonCode: 'budget' });
    expect(run.types).toEqual([
      'task.decided',
      'task.closed',
      'stage.ended',
      'stage.ended',
      'request.rejected',
    ]);
    expect(run.request).toMatchObject({ state: 'rejected', decidedAt: NOW, completedAt: null });
    expect(run.stageStates).toEqual(['rejected', 'canceled']);
    expect(currentApprovers(run.request)).toEqual([]);
  });

  it('returns the request with the first return and leaves later stages pending', () => {
    const run = new Run(two).when(submit()).resolved(['ann', 'bob']).decides('bob', 'return');
    expect(run.request).toMatchObject({ state: 'returned', decidedAt: null });
    expect(run.stageStates).toEqual(['returned', 'pending']);
    expect(run.when({ type: 'cancel', actor: userActor('rita'), reason: 'no' }).request.state).toBe(
      'canceled',
    );
  });

  it('is the right of the assignee and of the person they stand in for', () => {
    const run = new Run(one).when(submit()).resolved(['ann']);
    const [task] = run.request.stages[0]?.tasks ?? [];
    if (!task || !run.state) throw new Error('no task');
    const stages = run.state.stages.map((stage) => ({
      ...stage,
      tasks: [{ ...task, onBehalfOf: person('dora') }],
    }));
    run.state = { ...run.state, stages };
    const decides = (actor: ReturnType<typeof userActor>) =>
      run.when({ type: 'decideTask', actor, taskId: task.id, decision: 'approve' });
    expect(decides(userActor('eve')).error?.code).toBe('not_assignee');
    expect(decides({ type: 'service', id: 'ann', via: null }).error?.code).toBe('not_assignee');
    expect(decides(userActor('dora')).request.stages[0]?.tasks[0]?.decidedBy).toEqual(person('dora'));
  });

  describe('is refused', () => {
    const strict = workflow({
      stages: [{ key: 'a', comment: 'required-on-reject', quorum: 'all' }],
      reasonCodes: { approve: [], reject: ['budget'] },
    });
    const started = () => new Run(strict).when(submit()).resolved(['ann', 'bob']);
    const stale = { expectedVersion: 1, revision: 7 };

    it('for an unknown task before anything else', () => {
      expect(started().decides('ann', 'reject', { taskId: 'x', ...stale }).error?.code).toBe('not_found');
      expect(new Run(strict).when({ type: 'cancel', actor: SYSTEM, reason: null }).error?.code).toBe(
        'not_found',
      );
    });

    it('for its input before the person', () => {
      expect(started().decides('ann', 'reject', { actor: userActor('eve'), ...stale }).error).toMatchObject({
        code: 'validation_failed',
        pointer: '/comment',
      });
      const code = { comment: 'x', reasonCode: 'mood', actor: userActor('eve') };
      expect(started().decides('ann', 'reject', code).error).toMatchObject({
        code: 'validation_failed',
        pointer: '/reasonCode',
      });
      expect(started().decides('ann', 'approve', { reasonCode: 'budget' }).error?.code).toBe(
        'validation_failed',
      );
    });

    it('for the person before the version, for the version before the state', () => {
      const run = started().decides('ann', 'approve');
      expect(run.decides('ann', 'approve', { actor: userActor('eve'), ...stale }).error?.code).toBe(
        'not_assignee',
      );
      expect(run.decides('ann', 'approve', stale).error?.code).toBe('version_mismatch');
      expect(run.decides('ann', 'approve', { revision: 7 }).error?.code).toBe('task_closed');
      expect(run.decides('bob', 'approve', { revision: 7 }).error?.code).toBe('stale_revision');
    });

    it('on a title or a reason that the person was not shown', () => {
      const run = started();
      const { title, reason } = run.request;
      for (const words of [
        { title: `${title}s`, reason },
        { title, reason: `${reason ?? ''}s` },
      ])
        expect(run.decides('ann', 'approve', { words }).error?.code).toBe('stale_revision');
      expect(run.decides('ann', 'approve', { words: { title, reason } }).error).toBeNull();
    });

    it('a second time, and after the stage has ended without it', () => {
      const run = new Run(one).when(submit()).resolved(['ann', 'bob']).decides('ann', 'approve');
      expect(run.decides('ann', 'approve').error?.code).toBe('task_closed');
      expect(run.decides('bob', 'reject').error?.code).toBe('task_closed');
    });

    it('and changes nothing', () => {
      const run = started();
      const before = JSON.stringify(run.request);
      run.decides('ann', 'reject');
      expect(JSON.stringify(run.request)).toBe(before);
    });
  });
});

describe('canceling', () => {
  const cancel = { type: 'cancel' as const, actor: userActor('rita'), reason: 'not needed' };

  it('ends every stage and task that is left', () => {
    const run = new Run(two).when(submit()).resolved(['ann']).when(cancel);
    expect(run.types).toEqual(['task.closed', 'stage.ended', 'stage.ended', 'request.canceled']);
    expect(run.stageStates).toEqual(['canceled', 'canceled']);
    expect(run.decides('ann', 'approve').error?.code).toBe('task_closed');
  });

  it('works on a draft and while approvers are looked for', () => {
    expect(new Run(one).when(submit({ draft: true })).when(cancel).request.state).toBe('canceled');
    const run = new Run(one).when(submit()).when(cancel);
    expect(run.request.stages[0]).toMatchObject({ state: 'canceled', resolutions: [] });
  });

  it('is refused once the request has ended, and on another version', () => {
    const run = new Run(one).when(submit());
    expect(run.when({ ...cancel, expectedVersion: 9 }).error?.code).toBe('version_mismatch');
    expect(run.when({ ...cancel, expectedVersion: 2 }).request.state).toBe('canceled');
    expect(run.when(cancel).error?.code).toBe('invalid_transition');
  });
});

describe('events', () => {
  it('carry type, time, actor and an id of their own, and know whether they are public', () => {
    const run = new Run(one).when(submit());
    if (!run.last.ok) throw new Error('refused');
    const { events } = run.last;
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events[0]).toMatchObject({ at: NOW, actor: userActor('rita') });
    expect(events.filter(isPublicEvent).map(({ type }) => type)).toEqual([
      'request.created',
      'request.submitted',
    ]);
  });

  it('survive JSON', () => {
    const run = new Run(one).when(submit());
    if (!run.last.ok) throw new Error('refused');
    const stored = JSON.parse(JSON.stringify(run.last.events)) as typeof run.last.events;
    const replayed = stored.reduce<Parameters<typeof evolve>[0]>(
      (state, event) => evolve(state, event),
      null,
    );
    expect({ ...replayed, version: 2 }).toEqual(run.request);
  });

  it('cannot begin in the middle', () => {
    const run = new Run(one).when(submit());
    const last = run.last.ok ? run.last.events.at(-1) : undefined;
    if (!last) throw new Error('no event');
    expect(() => evolve(null, last)).toThrow('first event');
  });
});

it('shows all stages pending before routing has seen the request', () => {
  const stages = initialStages({
    stages: [
      { key: 'a', approvers: [] },
      { key: 'b', title: 'B', approvers: [] },
    ],
  });
  expect(stages.map(({ index, title, state }) => [index, title, state])).toEqual([
    [0, 'a', 'pending'],
    [1, 'B', 'pending'],
  ]);
  expect(stageIndex({ stages })).toBe(0);
  expect(totalStages({ stages })).toBe(2);
});
