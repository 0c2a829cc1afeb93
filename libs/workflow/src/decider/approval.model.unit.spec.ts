import fc from 'fast-check';
import { person, Run, submit, SYSTEM, userActor, workflow } from '../../test/given';
import { approvalsNeeded, approvalsReceived, isFinal, type RequestAggregate } from '..';

const PEOPLE = ['ann', 'bob', 'cy', 'dee', 'rita'];

const stageArbitrary = fc.record({
  quorum: fc.oneof(
    fc.constantFrom('any', 'all', 'majority'),
    fc.integer({ min: 1, max: 4 }).map((approvals) => ({ approvals })),
    fc.integer({ min: 1, max: 100 }).map((percent) => ({ percent })),
  ),
  onNoApprovers: fc.oneof(
    fc.constantFrom('fail', 'skip', 'approve'),
    fc.constant({ fallback: [{ user: 'somebody' }] }),
  ),
  when: fc.constantFrom(
    'true',
    'false',
    'payload.amount > 10',
    'payload.missing == 1',
    'requester.region == "EMEA"',
  ),
});

const definitionArbitrary = fc
  .record({
    stages: fc.array(stageArbitrary, { minLength: 1, maxLength: 4 }),
    onNoStage: fc.constantFrom('fail', 'approve'),
  })
  .map(({ stages, onNoStage }) =>
    workflow({ onNoStage, stages: stages.map((stage, index) => ({ key: `s${index}`, ...stage })) }),
  );

const stepArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('resolve' as const), people: fc.subarray(PEOPLE) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      task: fc.nat(20),
      by: fc.option(fc.constantFrom(...PEOPLE)),
      decision: fc.constantFrom(
        'approve' as const,
        'approve' as const,
        'approve' as const,
        'reject' as const,
        'return' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), people: fc.subarray(PEOPLE) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
);

const OUTCOMES = ['request.approved', 'request.rejected', 'request.canceled', 'request.failed'];

function checkInvariants(state: RequestAggregate) {
  const over = isFinal(state) || state.state === 'returned';
  for (const stage of state.stages) {
    for (const task of stage.tasks) {
      expect(task.assignee.id).not.toBe('rita');
      if (task.state === 'open') {
        expect(stage.state).toBe('active');
        expect(over).toBe(false);
      }
    }
    expect(new Set(stage.tasks.map(({ assignee }) => assignee.id)).size).toBe(stage.tasks.length);
    if (stage.state === 'active') {
      expect(approvalsReceived(stage)).toBeLessThan(approvalsNeeded(stage));
      expect(approvalsNeeded(stage)).toBeLessThanOrEqual(stage.tasks.length);
    }
    if (stage.state === 'approved') expect(approvalsReceived(stage)).toBe(approvalsNeeded(stage));
    if (over) expect(stage.resolutions).toEqual([]);
    if (isFinal(state)) expect(['pending', 'active']).not.toContain(stage.state);
    if (stage.resolutions.length > 0) expect(stage.state).toBe('pending');
  }
  const busy = state.stages.filter(
    (stage) => stage.state === 'active' || stage.resolutions.length > 0,
  ).length;
  expect(busy).toBe(state.state === 'submitted' || state.state === 'pending_review' ? 1 : 0);
  if (state.state === 'completed') {
    expect(state.stages.every((stage) => ['approved', 'skipped'].includes(stage.state))).toBe(true);
  }
}

type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

class Checked {
  readonly run: Run;
  private readonly outcomes: string[] = [];
  private resolution = { resolutionId: 'none', stageKey: 's0' };

  constructor(definition: ReturnType<typeof workflow>) {
    this.run = new Run(definition, { amount: 20 });
    this.after(() => this.run.when(submit()));
  }

  after(act: () => unknown) {
    const before = this.run.state;
    act();
    const { last } = this.run;
    const events = last.ok ? last.events : [];
    expect(this.run.request.version).toBe((before?.version ?? 1) + (events.length > 0 ? 1 : 0));
    if (events.length === 0) expect(this.run.state).toBe(before);
    this.outcomes.push(...events.map(({ type }) => type).filter((type) => OUTCOMES.includes(type)));
    expect(this.outcomes.length).toBeLessThanOrEqual(1);
    if (before && isFinal(before)) expect(events).toEqual([]);
    expect(JSON.parse(JSON.stringify(this.run.request))).toEqual(this.run.request);
    checkInvariants(this.run.request);
  }

  step(step: Step) {
    const { run } = this;
    switch (step.do) {
      case 'resolve':
        this.resolution = run.question ?? this.resolution;
        return this.after(() => run.resolved(step.people));
      case 'late': {
        if (run.question?.resolutionId === this.resolution.resolutionId) return;
        const approvers = step.people.map((id) => ({ person: person(id), why: [''], sources: [0] }));
        this.after(() =>
          run.when({
            type: 'approversResolved',
            actor: SYSTEM,
            ...this.resolution,
            outcome: { approvers, skipped: [] },
          }),
        );
        expect(run.last).toEqual({ ok: true, events: [], effects: [] });
        return;
      }
      case 'decide': {
        const tasks = run.request.stages.flatMap((stage) => stage.tasks);
        const task = tasks[step.task % Math.max(tasks.length, 1)];
        if (!task) return;
        const actor = userActor(step.by ?? task.assignee.id);
        const decide = () =>
          run.when({ type: 'decideTask', actor, taskId: task.id, decision: step.decision });
        this.after(decide);
        if (actor.id !== task.assignee.id) expect(run.error?.code).toBe('not_assignee');
        else {
          expect(run.error?.code).toBe(task.state === 'open' ? undefined : 'task_closed');
          this.after(decide);
          expect(run.error?.code).toBe('task_closed');
        }
        return;
      }
      case 'cancel': {
        const final = isFinal(run.request);
        this.after(() => run.when({ type: 'cancel', actor: SYSTEM, reason: null }));
        expect(run.error?.code).toBe(final ? 'invalid_transition' : undefined);
      }
    }
  }
}

describe('any sequence of commands on any workflow', () => {
  it('keeps every invariant of a request', () => {
    fc.assert(
      fc.property(definitionArbitrary, fc.array(stepArbitrary, { maxLength: 25 }), (definition, steps) => {
        const checked = new Checked(definition);
        for (const step of steps) checked.step(step);
      }),
      { numRuns: 400 },
    );
  });

  it('comes to an end when everybody answers', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(
        definitionArbitrary,
        fc.infiniteStream(fc.subarray(PEOPLE)),
        fc.infiniteStream(
          fc.constantFrom('approve' as const, 'approve' as const, 'approve' as const, 'reject' as const),
        ),
        (definition, people, decisions) => {
          const checked = new Checked(definition);
          const { run } = checked;
          for (let round = 0; round < 100 && !isFinal(run.request); round++) {
            const task = run.request.stages
              .flatMap((stage) => stage.tasks)
              .find(({ state }) => state === 'open');
            if (task) {
              const decision = decisions.next().value;
              checked.after(() =>
                run.when({
                  type: 'decideTask',
                  actor: userActor(task.assignee.id),
                  taskId: task.id,
                  decision,
                }),
              );
            } else checked.after(() => run.resolved(people.next().value));
          }
          expect(['completed', 'rejected', 'failed']).toContain(run.request.state);
          reached.add(run.request.state);
        },
      ),
      { numRuns: 400 },
    );
    expect([...reached].sort()).toEqual(['completed', 'failed', 'rejected']);
  });
});
