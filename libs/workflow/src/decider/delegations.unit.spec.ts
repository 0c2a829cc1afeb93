import { person, Run, submit, SYSTEM, userActor, workflow } from '../../test/given';
import { currentApprovers, type ResolvedPerson, type Task } from '..';

/** Somebody whom a source names: `holder for owner` when a delegation leads to another. */
const named = (text: string, sources = [0]): ResolvedPerson => {
  const [holder = '', owner] = text.split(' for ');
  return {
    person: person(holder),
    why: ['named'],
    sources,
    ...(owner === undefined ? {} : { onBehalfOf: person(owner), substitution: `stands in for ${owner}` }),
  };
};
const answer = (run: Run, ...approvers: (string | ResolvedPerson)[]) =>
  run.resolved([], {
    approvers: approvers.map((one) => (typeof one === 'string' ? named(one) : one)),
  });
const open = (run: Run): Task[] =>
  run.request.stages.flatMap(({ tasks }) => tasks).filter(({ state }) => state === 'open');
const held = (run: Run) =>
  open(run).map(({ assignee, onBehalfOf }) =>
    onBehalfOf ? `${assignee.id} for ${onBehalfOf.id}` : assignee.id,
  );
const decides = (run: Run, who: string, task: Task | undefined, decision: 'approve' | 'reject' = 'approve') =>
  run.when({ type: 'decideTask', actor: userActor(who), taskId: task?.id ?? 'none', decision });
const changed = (run: Run, personId: string) =>
  run.when({ type: 'delegationsChanged', actor: SYSTEM, personId });
const started = (stage: object, ...approvers: (string | ResolvedPerson)[]) =>
  answer(new Run(workflow({ stages: [{ key: 'a', ...stage }] })).when(submit()), ...approvers);

/** A stage that needs a vote of each of two groups: Dan is in the one, and stands in for Ann of the other. */
const inBothParts = (): Run => {
  const each = [
    { group: 'finance', approvals: 1 },
    { group: 'legal', approvals: 1 },
  ];
  const approvers = [{ group: 'finance' }, { group: 'legal' }];
  return started({ approvers, quorum: { each } }, named('dan', [0, 2]), named('dan for ann', [1, 3]));
};

describe('a delegation', () => {
  it('gives the task to the delegate in the name of the delegator, and says why', () => {
    const run = started({}, 'dan for ann');
    expect(held(run)).toEqual(['dan for ann']);
    const assigned = run.last.ok && run.last.events.find(({ type }) => type === 'task.assigned');
    expect(assigned).toMatchObject({ why: ['named, stands in for ann'] });
    expect(currentApprovers(run.request)).toEqual([person('dan')]);
  });

  it('is asked about with whom it may not lead to, and never about who is only informed', () => {
    const notify = [{ user: 'observer' }];
    const run = new Run(workflow({ stages: [{ key: 'a', selfApproval: 'reroute', notify }] })).when(submit());
    expect(run.effects[0]).toMatchObject({
      exclude: [],
      delegations: { workflow: 'w', forbidden: ['rita'] },
    });
    answer(run, 'ann');
    expect(run.effects[0]?.delegations).toBeNull();
  });

  it('to the requester is none: the delegator keeps the task', () => {
    expect(held(started({}, 'rita for ann'))).toEqual(['ann']);
    expect(open(started({}, 'rita for ann'))[0]?.substitution).toBe(
      'whose stand-in rita may not approve their own request',
    );
    expect(held(started({ selfApproval: 'allow' }, 'rita for ann'))).toEqual(['rita for ann']);
  });

  it('holds for the manager who gets the task of the requester', () => {
    const run = started({ selfApproval: 'reroute' }, 'rita', named('dan for mona', [1]));
    expect(held(run)).toEqual(['dan for mona']);
  });

  it('to whom four eyes forbid is none, though that came out only later', () => {
    const run = new Run(workflow({ stages: [{ key: 'a' }, { key: 'b', distinctFrom: ['a'] }] })).when(
      submit(),
    );
    answer(run, 'dan');
    decides(run, 'dan', open(run)[0]);
    expect(run.effects[0]?.delegations?.forbidden).toEqual(['dan', 'rita']);
    answer(run, 'dan for ann');
    expect(held(run)).toEqual(['ann']);
  });

  it('leaves a vote of their own to both: a person counts once', () => {
    const run = started({ quorum: { approvals: 2 } }, 'dan', 'dan for ann');
    expect(held(run)).toEqual(['dan', 'dan for ann']);
    const [own, other] = open(run);
    decides(run, 'dan', own);
    expect(run.request.stages[0]?.state).toBe('active');
    decides(run, 'dan', other);
    expect(run.error).toMatchObject({ code: 'not_assignee' });
    expect(run.error?.detail).toBe('dan counts once in the stage a, whose approval needs ann as well.');
    expect(decides(run, 'ann', other).request.state).toBe('completed');
  });

  it('lets the delegate decide both where one vote is enough', () => {
    const run = started({ quorum: { approvals: 2 } }, 'dan', 'dan for ann', 'eve');
    const [own, other, third] = open(run);
    decides(decides(run, 'dan', own), 'dan', other);
    expect(run.request.stages[0]).toMatchObject({ state: 'active' });
    expect(decides(run, 'eve', third).request.state).toBe('completed');
  });

  it('counts for the part of the quorum that the delegator is in, and for no other', () => {
    const run = inBothParts();
    expect(run.request.stages[0]?.quorum).toEqual([
      { approvals: 1, people: ['dan'] },
      { approvals: 1, people: ['ann'] },
    ]);
    const [own, other] = open(run);
    decides(run, 'dan', own);
    expect(run.request.state).toBe('pending_review');
    expect(decides(run, 'dan', other).request.state).toBe('completed');
  });

  it('is no vote of the delegate: the part that they are in themselves still needs theirs', () => {
    const run = inBothParts();
    const [own, other] = open(run);
    decides(run, 'dan', other);
    expect(run.request.state).toBe('pending_review');
    expect(decides(run, 'dan', own).request.state).toBe('completed');
  });

  it('passed on counts where the delegator did, not where the delegate does', () => {
    const run = inBothParts();
    run.when({
      type: 'reassign',
      actor: userActor('dan'),
      taskId: open(run)[1]?.id ?? '',
      to: person('eve'),
      reason: null,
    });
    expect(run.request.stages[0]?.quorum.map(({ people }) => people)).toEqual([['dan'], ['ann', 'eve']]);
    decides(run, 'eve', open(run)[1]);
    expect(run.request.state).toBe('pending_review');
  });

  it('is not brought back by an answer that a later one has overtaken', () => {
    const run = started({ quorum: 'all' }, 'ann', 'bob');
    changed(run, 'ann');
    const [first] = run.effects;
    changed(run, 'ann');
    const [second] = run.effects;
    const arrives = (question: typeof first, text: string) =>
      run.when({
        type: 'approversResolved',
        actor: SYSTEM,
        resolutionId: question?.resolutionId ?? 'none',
        stageKey: 'a',
        outcome: { approvers: [named(text)], skipped: [] },
      });
    arrives(second, 'ann');
    arrives(first, 'dan for ann');
    expect(held(run)).toEqual(['ann', 'bob']);
  });

  it('that changes while another answer is awaited is asked about together with it', () => {
    const run = started({ quorum: 'all' }, 'ann', 'bob');
    changed(run, 'ann');
    changed(run, 'bob');
    expect(run.effects[0]?.sources).toEqual([{ user: 'ann' }, { user: 'bob' }]);
    answer(run, 'dan for ann', 'dan for bob');
    expect(held(run)).toEqual(['dan for ann', 'dan for bob']);
  });

  it('may have begun or ended since an answer that took long: it is asked about again', () => {
    const run = new Run(workflow({ stages: [{ key: 'a' }] })).when(submit());
    const late = (text: string, seconds: number) =>
      run.when({
        type: 'approversResolved',
        actor: SYSTEM,
        ...(run.question ?? { stageKey: 'none', resolutionId: 'none' }),
        resolvedAt: new Date(Date.parse(run.now) - seconds * 1_000).toISOString(),
        outcome: { approvers: [named(text)], skipped: [] },
      });
    late('dan for ann', 60);
    expect(held(run)).toEqual(['dan for ann']);
    expect(run.effects).toEqual([expect.objectContaining({ sources: [{ user: 'ann' }] })]);
    late('ann', 60);
    expect([held(run), run.effects]).toEqual([['ann'], []]);
    const punctual = new Run(workflow({ stages: [{ key: 'a' }] })).when(submit());
    punctual.when({
      type: 'approversResolved',
      actor: SYSTEM,
      ...(punctual.question ?? { stageKey: 'none', resolutionId: 'none' }),
      resolvedAt: new Date(Date.parse(punctual.now) - 19_000).toISOString(),
      outcome: { approvers: [named('dan for ann')], skipped: [] },
    });
    expect([held(punctual), punctual.effects]).toEqual([['dan for ann'], []]);
  });

  it('that begins and ends moves the open task there and back, and nothing else', () => {
    const run = started({ quorum: 'all', remind: { after: 'PT1H' } }, 'ann', 'bob');
    changed(run, 'ann');
    expect(run.effects).toEqual([
      expect.objectContaining({
        sources: [{ user: 'ann' }],
        exclude: [],
        delegations: { workflow: 'w', forbidden: ['rita'] },
      }),
    ]);
    answer(run, 'dan for ann');
    expect(run.types).toEqual(['stage.resolved', 'task.reassigned', 'task.assigned']);
    expect(held(run)).toEqual(['bob', 'dan for ann']);
    expect(run.request.stages[0]?.quorum).toEqual([{ approvals: 2, people: null }]);
    const moved = run.request.stages[0]?.tasks[0];
    expect(moved).toMatchObject({ state: 'reassigned', passedTo: 'dan', remindAt: null });
    expect(open(run)[1]?.why).toEqual(['named']);

    answer(changed(run, 'ann'), 'ann');
    expect(held(run)).toEqual(['bob', 'ann']);
    decides(decides(run, 'ann', open(run)[1]), 'bob', open(run)[0]);
    expect(run.request.state).toBe('completed');
  });

  it('that changes further down a chain is found by whoever holds the task', () => {
    const run = started({}, 'dan for ann');
    answer(changed(run, 'dan'), 'eve for ann');
    expect(held(run)).toEqual(['eve for ann']);
  });

  it('that changes nothing leaves everything as it is, and so does one of somebody else', () => {
    const run = started({ quorum: 'all' }, 'ann', 'bob');
    answer(changed(run, 'ann'), 'ann');
    expect(run.types).toEqual(['stage.resolved']);
    expect(changed(run, 'zoe').types).toEqual([]);
    decides(run, 'ann', open(run)[0]);
    expect(changed(run, 'ann').types).toEqual([]);
  });

  it('moves those who wait for their turn as well', () => {
    const run = started({ order: 'sequential', quorum: 'all' }, 'ann', 'bob');
    answer(changed(run, 'bob'), 'dan for bob');
    expect(held(run)).toEqual(['ann']);
    decides(run, 'ann', open(run)[0]);
    expect(held(run)).toEqual(['dan for bob']);
  });

  it('asks nobody twice when the stage loses somebody', () => {
    const run = started({ quorum: 'all' }, 'dan for ann', 'bob');
    run.when({ type: 'personLeft', actor: SYSTEM, personId: 'bob' });
    answer(run, 'dan for ann', 'dan', 'cy');
    expect(held(run)).toEqual(['dan for ann', 'dan', 'cy']);
    run.when({ type: 'personLeft', actor: SYSTEM, personId: 'dan' });
    answer(run, 'ann', 'cy');
    expect(held(run)).toEqual(['cy', 'ann']);
  });

  it('cannot be passed by to somebody who holds a task of the stage already', () => {
    const run = started({ quorum: 'all' }, 'dan for ann', 'bob');
    const [, task] = open(run);
    const passes = (to: string) =>
      run.when({
        type: 'reassign',
        actor: userActor('bob'),
        taskId: task?.id ?? '',
        to: person(to),
        reason: null,
      }).error?.code;
    expect([passes('dan'), passes('ann'), passes('cy')]).toEqual([
      'validation_failed',
      'validation_failed',
      undefined,
    ]);
  });

  it('sends an escalation up from the delegator, whose vote it is, not from the delegate', () => {
    const escalate = [{ after: 'PT1H', to: [{ manager: { of: 'assignee' } }] }];
    const run = started({ escalate, quorum: 'all' }, 'dan for ann', 'dan for cy', 'bob');
    run.ticks('2026-11-21T10:00:00.000Z');
    expect(run.effects[0]?.sources).toEqual(
      ['ann', 'cy', 'bob'].map((of) => ({ manager: { of, levels: 1 } })),
    );
  });
});

const passes = (run: Run, by: string, task: Task | undefined, to: string, actor = userActor(by)) =>
  run.when({ type: 'reassign', actor, taskId: task?.id ?? 'none', to: person(to), reason: null });
const each = [
  { group: 'finance', approvals: 1 },
  { group: 'legal', approvals: 1 },
];

describe('a task that is passed on', () => {
  it('goes on to whoever stands in for the one who gets it', () => {
    const run = started({ quorum: 'all' }, 'ann', 'bob');
    passes(run, 'ann', open(run)[0], 'eve');
    expect(held(run)).toEqual(['bob', 'eve']);
    expect(run.effects).toEqual([
      expect.objectContaining({
        sources: [{ user: 'eve' }],
        rules: [{ rule: 'delegations', count: 1 }],
        delegations: { workflow: 'w', forbidden: ['rita', 'ann'] },
      }),
    ]);
    answer(run, 'fay for eve');
    expect(held(run)).toEqual(['bob', 'fay for eve']);
    expect(open(run)[1]?.why).toEqual(['Reassigned from ann']);
    decides(decides(run, 'fay', open(run)[1]), 'bob', open(run)[0]);
    expect(run.request.state).toBe('completed');
  });

  it('does not come back by a delegation to whoever has passed it on', () => {
    const run = started({}, 'ann');
    passes(run, 'ann', open(run)[0], 'eve');
    answer(run, 'ann for eve');
    expect(held(run)).toEqual(['eve']);
    passes(run, 'eve', open(run)[0], 'fay');
    expect(run.effects[0]?.delegations?.forbidden).toEqual(['rita', 'eve', 'ann']);
    answer(run, 'ann for fay');
    expect(held(run)).toEqual(['fay']);
    answer(changed(run, 'fay'), 'eve for fay');
    expect(held(run)).toEqual(['fay']);
    // Whoever passed on something else is as good as anybody.
    answer(changed(run, 'fay'), 'dan for fay');
    expect(held(run)).toEqual(['dan for fay']);
  });

  it('stays with the one who gets it when their stand-in may not decide', () => {
    const run = started({}, 'ann');
    passes(run, 'ann', open(run)[0], 'eve');
    answer(run, 'rita for eve');
    expect(held(run)).toEqual(['eve']);
  });

  it('by a service leaves the holder a delegate: it was the delegator who was replaced', () => {
    const run = started({}, 'dan for ann');
    passes(run, '', open(run)[0], 'eve', SYSTEM);
    expect(run.effects[0]?.delegations?.forbidden).toEqual(['rita', 'ann']);
    answer(run, 'dan for eve');
    expect(held(run)).toEqual(['dan for eve']);
  });

  it('is asked about with all others when an answer is awaited, so that none of before counts', () => {
    const run = started({ quorum: 'all' }, 'ann', 'bob');
    changed(run, 'bob');
    const [before] = run.effects;
    passes(run, 'ann', open(run)[0], 'eve');
    expect(run.effects.map(({ sources }) => sources)).toEqual([[{ user: 'bob' }], [{ user: 'eve' }]]);
    const [bobs, eves] = run.effects;
    const arrives = (question: typeof before, text: string) =>
      run.when({
        type: 'approversResolved',
        actor: SYSTEM,
        resolutionId: question?.resolutionId ?? 'none',
        stageKey: 'a',
        outcome: { approvers: [named(text)], skipped: [] },
      });
    arrives(bobs, 'bob');
    arrives(eves, 'fay for eve');
    expect(arrives(before, 'dan for bob').types).toEqual([]);
    expect(held(run)).toEqual(['bob', 'fay for eve']);
  });
});

describe('a delegate who gives the task back', () => {
  const approvers = [{ group: 'finance' }, { group: 'legal' }];

  it('leaves the vote with the delegator, or with who else stands in for them', () => {
    const run = started({ approvers, quorum: { each } }, named('dan', [0, 2]), named('dan for ann', [1, 3]));
    const { quorum } = run.request.stages[0] ?? {};
    passes(run, 'dan', open(run)[1], 'ann');
    expect([run.error, held(run)]).toEqual([null, ['dan', 'ann']]);
    expect(run.request.stages[0]?.quorum).toEqual(quorum);
    expect(open(run)[1]).toMatchObject({
      why: ['named'],
      substitution: 'whose stand-in dan has given the task back',
    });
    expect(run.effects[0]).toMatchObject({
      sources: [{ user: 'ann' }],
      delegations: { forbidden: ['rita', 'dan'] },
    });
    answer(run, 'zoe for ann');
    expect(held(run)).toEqual(['dan', 'zoe for ann']);
    const [own, others] = open(run);
    decides(decides(run, 'dan', own), 'zoe', others);
    expect(run.request.state).toBe('completed');
  });

  it('does not get it again', () => {
    const run = started({ quorum: 'all' }, 'dan for ann', 'bob');
    passes(run, '', open(run)[0], 'ann', SYSTEM);
    answer(run, 'dan for ann');
    expect(held(run)).toEqual(['bob', 'ann']);
    answer(changed(run, 'ann'), 'dan for ann');
    expect(held(run)).toEqual(['bob', 'ann']);
    answer(changed(run, 'bob'), 'dan for bob');
    expect(held(run)).toEqual(['ann', 'dan for bob']);
  });
});

describe('four eyes', () => {
  const apart = { stages: [{ key: 'a' }, { key: 'b', distinctFrom: ['a'] }] };
  const afterA = (holder: string, by = holder.split(' ')[0] ?? '') => {
    const run = answer(new Run(workflow(apart)).when(submit()), holder);
    return decides(run, by, open(run)[0]);
  };

  it('are those of the delegate and of the delegator, whose vote was given', () => {
    const run = afterA('dan for ann');
    expect(run.effects[0]).toMatchObject({
      exclude: ['dan', 'ann', 'rita'],
      delegations: { forbidden: ['dan', 'ann', 'rita'] },
    });
    answer(run, 'ann', 'dan', 'bob for ann', 'ann for bob', 'dan for cy');
    expect(held(run)).toEqual(['bob', 'cy']);
  });

  it('are not those of a delegate whose delegator decided', () => {
    const run = afterA('dan for ann', 'ann');
    expect(run.effects[0]?.exclude).toEqual(['ann', 'rita']);
    expect(held(answer(run, 'dan'))).toEqual(['dan']);
  });

  it('give no vote of somebody who has decided before, whoever brings it', () => {
    const run = afterA('ann');
    answer(run, 'dan for ann', 'bob');
    expect(held(run)).toEqual(['bob']);
    const nobody = answer(afterA('ann'), 'dan for ann').request;
    expect(nobody.failure?.detail).toContain('ann: has decided the stage a (four eyes)');
  });

  it('nor the task of somebody whose vote was given before to whom it is passed on', () => {
    const run = answer(afterA('dan for ann'), 'bob');
    const errors = ['ann', 'dan'].map((to) => passes(run, 'bob', open(run)[0], to).error?.detail);
    expect(errors).toEqual([
      'ann has decided the stage a by dan (four eyes).',
      'dan has decided the stage a (four eyes).',
    ]);
  });

  it('refuse a decision for somebody whose vote the other stage has got meanwhile', () => {
    const run = answer(afterA('cy'), 'dan for ann', 'bob');
    const [task] = open(run);
    const [a, b] = run.request.stages;
    if (!a || !b) throw new Error('a stage is missing');
    // As when the earlier stage was decided once more while the later one was open.
    const decided = a.tasks.map((one) => ({ ...one, assignee: person('ann'), decidedBy: person('ann') }));
    run.state = { ...run.request, stages: [{ ...a, tasks: decided }, b] };
    expect(decides(run, 'dan', task).error).toMatchObject({
      code: 'not_assignee',
      detail: 'ann has decided the stage a (four eyes).',
    });
    decides(run, 'bob', open(run)[1]);
    expect(run.request.state).toBe('completed');
  });
});
