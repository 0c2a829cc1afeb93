import fc from 'fast-check';
import { person, Run, submit, SYSTEM, userActor, workflow } from '../../test/given';
import { apply, isFinal, nextDue, type RequestAggregate, type Stage } from '..';
import { peopleOf, voterOfTask } from './open-tasks';
import { isRunning } from './progress';
import { isQuorumMet, isQuorumReachable } from './quorum';

const PEOPLE = ['ann', 'bob', 'cy', 'dee', 'rita'];
const subject = {
  type: 'object',
  required: ['amount', 'note'],
  properties: { amount: { type: 'number' }, note: { type: 'string' } },
};

const stageArbitrary = fc.record(
  {
    when: fc.constantFrom('true', 'payload.amount > 10', 'payload.note == "a"', 'request.revision < 3'),
    order: fc.constantFrom('parallel', 'sequential'),
    quorum: fc.oneof(
      fc.constantFrom('any', 'all', 'majority'),
      fc.integer({ min: 1, max: 3 }).map((approvals) => ({ approvals })),
      fc.integer({ min: 1, max: 100 }).map((percent) => ({ percent })),
      fc.constant({
        each: [
          { group: 'g', approvals: 1 },
          { group: 'h', approvals: 1 },
        ],
      }),
    ),
    reject: fc.oneof(fc.constantFrom('any', 'unreachable'), fc.constant({ rejections: 2 })),
    selfApproval: fc.constantFrom('forbid', 'reroute'),
    onNoApprovers: fc.oneof(
      fc.constantFrom('fail', 'skip', 'approve'),
      fc.constant({ fallback: [{ user: 'somebody' }] }),
    ),
    onReject: fc.constantFrom('reject', 'return'),
    sla: fc.constant('PT30M'),
    remind: fc.constant({ after: 'PT1H', every: 'PT1H', max: 2 }),
    escalate: fc.constantFrom(
      [{ after: 'PT2H', to: [{ user: 'boss' }] }],
      [{ after: 'PT2H', to: [{ manager: { of: 'assignee' } }], mode: 'replace' }],
    ),
    expire: fc
      .constantFrom('reject', 'approve', 'cancel', 'expire')
      .map((outcome) => ({ after: 'PT5H', outcome })),
    notify: fc.constant([{ user: 'observer' }]),
    reads: fc.constant(['payload.note']),
  },
  { requiredKeys: [] },
);

const definitionArbitrary = fc
  .record({
    steps: fc.array(fc.array(stageArbitrary, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
    onNoStage: fc.constantFrom('fail', 'approve'),
    onChange: fc.constantFrom('material', 'all', 'none'),
    fourEyes: fc.boolean(),
  })
  .map(({ steps, onNoStage, onChange, fourEyes }) =>
    workflow({
      subject,
      onNoStage,
      onChange,
      stages: steps.map((stages, step) => {
        const named = stages.map((stage, index) => ({
          approvers: [{ user: 'anybody' }],
          ...stage,
          key: `s${step}${index}`,
          ...(fourEyes && step > 0 ? { distinctFrom: ['s00'] } : {}),
        }));
        return named.length > 1 ? { parallel: named } : named[0]!;
      }),
    }),
  );

const amounts = fc.constantFrom(5, 20, 30);
/** Who stands in for whom. */
const delegatesArbitrary = fc.dictionary(fc.constantFrom(...PEOPLE), fc.constantFrom(...PEOPLE), {
  maxKeys: 2,
});
const stepArbitrary = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('resolve' as const),
      people: fc.subarray(PEOPLE),
      delegates: delegatesArbitrary,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      task: fc.nat(20),
      by: fc.option(fc.constantFrom(...PEOPLE)),
      decision: fc.constantFrom('approve' as const, 'approve' as const, 'reject' as const, 'return' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 200 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('revise' as const),
      amount: amounts,
      note: fc.constantFrom('a', 'b'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.constantFrom(...PEOPLE) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('delegate' as const), who: fc.constantFrom(...PEOPLE) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reassign' as const),
      task: fc.nat(20),
      to: fc.constantFrom(...PEOPLE),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('handIn' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('override' as const),
      outcome: fc.constantFrom('approved' as const, 'rejected' as const),
    }),
  },
);
type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

const OUTCOMES = [
  'request.approved',
  'request.rejected',
  'request.canceled',
  'request.expired',
  'request.failed',
];

function checkStage(
  state: RequestAggregate,
  stage: Stage,
  rule: { selfApproval: string; distinctFrom: string[] },
) {
  const counted = stage.tasks.filter(({ state }) => ['open', 'approved', 'rejected'].includes(state));
  const over = isFinal(state) || state.state === 'returned';
  expect(new Set(counted.map(voterOfTask)).size).toBe(counted.length);
  expect(peopleOf(stage).has('rita')).toBe(false);
  expect(counted.map(({ assignee }) => assignee.id)).not.toContain('rita');
  for (const { state: taskState } of stage.tasks) {
    if (taskState === 'open') expect([stage.state, over]).toEqual(['active', false]);
  }
  for (const { state: taskState, revision } of stage.tasks) {
    if (taskState === 'open') expect(revision).toBe(state.revision);
  }
  expect(stage.past.filter(({ state }) => state === 'open')).toEqual([]);
  if (over) expect(isRunning(stage)).toBe(false);
  if (isFinal(state)) expect(['pending', 'active']).not.toContain(stage.state);
  if (stage.state === 'active') {
    expect(isQuorumMet(stage)).toBe(false);
    const asks = stage.resolutions.some(({ purpose }) => purpose !== 'notify');
    expect(isQuorumReachable(stage) || asks).toBe(true);
    expect(asks || stage.tasks.some(({ state }) => state === 'open')).toBe(true);
  }
  const byRule = /^(Approved without|Nobody decided)/.test(stage.explanation ?? '');
  if (stage.state === 'approved' && !byRule) expect(isQuorumMet(stage)).toBe(true);
  for (const other of state.stages.filter(({ key }) => rule.distinctFrom.includes(key))) {
    const deciders = (tasks: Stage['tasks']) =>
      tasks
        .filter(({ state }) => state === 'approved' || state === 'rejected')
        .flatMap((task) => [task.decidedBy?.id, voterOfTask(task)]);
    for (const id of deciders(stage.tasks)) expect(deciders(other.tasks)).not.toContain(id);
  }
}

class Model {
  readonly run: Run;
  private readonly outcomes: string[] = [];

  constructor(private readonly definition: ReturnType<typeof workflow>) {
    this.run = new Run(definition, { amount: 20, note: 'a' });
    this.after(() => this.run.when(submit()));
  }

  after(act: () => unknown) {
    const before = this.run.state;
    act();
    const { last } = this.run;
    const events = last.ok ? last.events : [];
    const state = this.run.request;
    expect(state.version).toBe((before?.version ?? 1) + (events.length > 0 ? 1 : 0));
    for (const event of events) {
      if (event.type !== 'request.rejected' || state.overridden) continue;
      // Whoever rejects is named, unless it was the clock.
      const stage = state.stages.find(({ key }) => key === event.stageKey);
      expect(event.decidedBy === null).toBe(stage?.state === 'expired');
    }
    this.outcomes.push(...events.map(({ type }) => type).filter((type) => OUTCOMES.includes(type)));
    expect(this.outcomes.length).toBeLessThanOrEqual(1);
    const told = ['stage.resolved', 'stage.notified'];
    if (before && isFinal(before)) {
      expect(events.filter(({ type }) => !told.includes(type))).toEqual([]);
      expect(state.state).toBe(before.state);
    }
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    const running = state.stages.filter(isRunning).map(({ index }) => this.definition.stages[index]?.step);
    expect(new Set(running).size).toBe(
      state.state === 'submitted' || state.state === 'pending_review' ? 1 : 0,
    );
    state.stages.forEach((stage, index) => checkStage(state, stage, this.definition.stages[index]!));
  }

  private task(n: number) {
    const tasks = this.run.request.stages.flatMap((stage) => [...stage.past, ...stage.tasks]);
    return tasks[n % Math.max(tasks.length, 1)];
  }

  /** Names people by every source of the question. */
  resolve(people: string[], delegates: Record<string, string>) {
    const sources = Array.from({ length: 10 }, (_, index) => index);
    const approvers = people.map((id) => {
      const holder = delegates[id] ?? id;
      const onBehalfOf = holder === id ? null : person(id);
      return { person: person(holder), why: ['named'], sources, onBehalfOf };
    });
    this.after(() => this.run.resolved([], { approvers }));
  }

  step(step: Step) {
    const { run } = this;
    switch (step.do) {
      case 'resolve':
        return this.resolve(step.people, step.delegates);
      case 'decide': {
        const task = this.task(step.task);
        if (!task) return;
        const by = step.by ?? task.assignee.id;
        const actor = userActor(by);
        this.after(() => run.when({ type: 'decideTask', actor, taskId: task.id, decision: step.decision }));
        if (![task.assignee.id, task.onBehalfOf?.id].includes(by))
          expect(run.error?.code).toBe('not_assignee');
        return;
      }
      case 'wait':
        return this.after(() =>
          run.ticks(new Date(Date.parse(run.now) + step.minutes * 60_000).toISOString()),
        );
      case 'revise': {
        const payload = { value: { amount: step.amount, note: step.note } };
        return this.after(() => run.when({ type: 'revise', actor: SYSTEM, payload }));
      }
      case 'leave':
        this.after(() => run.when({ type: 'personLeft', actor: SYSTEM, personId: step.who }));
        for (const { tasks } of run.request.stages) {
          expect(tasks.filter(({ state, assignee }) => state === 'open' && assignee.id === step.who)).toEqual(
            [],
          );
        }
        expect(run.request.stages.flatMap(({ queue }) => queue).map(({ person }) => person.id)).not.toContain(
          step.who,
        );
        return;
      case 'delegate':
        return this.after(() => run.when({ type: 'delegationsChanged', actor: SYSTEM, personId: step.who }));
      case 'reassign': {
        const task = this.task(step.task);
        if (!task) return;
        const actor = userActor(task.assignee.id);
        const to = person(step.to);
        return this.after(() => run.when({ type: 'reassign', actor, taskId: task.id, to, reason: null }));
      }
      case 'handIn':
        return this.after(() => run.when({ type: 'handIn', actor: SYSTEM }));
      case 'override':
        return this.after(() =>
          run.when({ type: 'override', actor: SYSTEM, outcome: step.outcome, reason: 'because it burns' }),
        );
    }
  }
}

describe('any sequence of commands on any workflow of the whole language', () => {
  it('keeps every invariant of a request', () => {
    fc.assert(
      fc.property(definitionArbitrary, fc.array(stepArbitrary, { maxLength: 40 }), (definition, steps) => {
        const model = new Model(definition);
        for (const step of steps) model.step(step);
      }),
      { numRuns: 600 },
    );
  });

  it('comes to an end when everybody answers or every clock runs out', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(
        definitionArbitrary,
        fc.infiniteStream(fc.subarray(PEOPLE)),
        fc.infiniteStream(delegatesArbitrary),
        fc.infiniteStream(fc.constantFrom('approve' as const, 'approve' as const, 'reject' as const)),
        fc.infiniteStream(fc.boolean()),
        (definition, people, delegates, decisions, waits) => {
          const model = new Model(definition);
          const { run } = model;
          for (
            let round = 0;
            round < 200 && !isFinal(run.request) && run.request.state !== 'returned';
            round++
          ) {
            const task = run.request.stages
              .flatMap(({ tasks }) => tasks)
              .find(({ state }) => state === 'open');
            const due = nextDue(run.request);
            if (run.question) model.resolve(people.next().value, delegates.next().value);
            else if (due && waits.next().value) model.after(() => run.ticks(due));
            else if (task) {
              const decision = decisions.next().value;
              const decides = (by: string) =>
                model.after(() =>
                  run.when({ type: 'decideTask', actor: userActor(by), taskId: task.id, decision }),
                );
              decides(task.assignee.id);
              // One vote of a delegate may not be enough for two.
              if (run.error && task.onBehalfOf) decides(task.onBehalfOf.id);
              expect(run.error).toBeNull();
            }
          }
          expect(isFinal(run.request) || run.request.state === 'returned').toBe(true);
          reached.add(run.request.state);
        },
      ),
      { numRuns: 600 },
    );
    expect([...reached].sort()).toEqual([
      'canceled',
      'completed',
      'expired',
      'failed',
      'rejected',
      'returned',
    ]);
  });

  it('is the same when it is played again from its events', () => {
    fc.assert(
      fc.property(definitionArbitrary, fc.array(stepArbitrary, { maxLength: 20 }), (definition, steps) => {
        const model = new Model(definition);
        let replayed: RequestAggregate | null = null;
        const keep = () => {
          const { last } = model.run;
          if (last.ok) replayed = apply(replayed, JSON.parse(JSON.stringify(last.events)));
        };
        keep();
        for (const step of steps) {
          const before = model.run.last;
          model.step(step);
          if (model.run.last !== before) keep();
        }
        expect(replayed).toEqual(model.run.state);
      }),
      { numRuns: 200 },
    );
  });
});
