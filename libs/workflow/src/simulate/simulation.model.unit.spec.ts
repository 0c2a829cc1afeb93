import fc from 'fast-check';
import { arbitraryDefinition } from '../../test/arbitrary-definition';
import { requesterOf, resolve, type Organisation } from '../../test/fake-directory';
import { NOW, person, Run, submit, SYSTEM, userActor } from '../../test/given';
import {
  compileDefinition,
  replayRequest,
  simulateRequest,
  type CompiledDefinition,
  type DomainEvent,
  type GivenDecision,
  type Simulation,
  type SimulationInput,
  type TaskDecision,
  type WorkflowDefinition,
} from '..';

const PEOPLE = ['ann', 'bob', 'carol', 'dan', 'eve', 'rita'];
const some = fc.subarray(PEOPLE);

const organisationArbitrary: fc.Arbitrary<Organisation> = fc.record({
  groups: fc.record({ finance: some, legal: some }),
  roles: fc.record({ counsel: some, buyer: some }),
  managers: fc.dictionary(fc.constantFrom(...PEOPLE), fc.constantFrom(...PEOPLE), { maxKeys: 6 }),
  limits: fc.dictionary(fc.constantFrom(...PEOPLE), fc.constantFrom(100, 1_500, 10_000), { maxKeys: 6 }),
  inactive: fc.subarray(PEOPLE, { maxLength: 2 }),
});

/** People whom nothing else names. */
const delegatesArbitrary = fc
  .subarray([
    ['ann', 'yan'],
    ['bob', 'zoe'],
  ])
  .map((pairs): Record<string, string> => Object.fromEntries(pairs));

const payloadArbitrary = fc.record({
  amount: fc.constantFrom(1, 400, 1_500, 3_000),
  region: fc.constantFrom('EMEA', 'AMER', 'APAC'),
  owner: fc.constantFrom('ann', 'rita', 'nobody'),
  team: fc.constantFrom('finance', 'legal', 'none'),
});

/** Which of the open tasks is decided next, and how. */
const choicesArbitrary = fc.array(
  fc.record({
    task: fc.nat(20),
    decision: fc.constantFrom<TaskDecision>('approve', 'approve', 'approve', 'reject', 'return'),
  }),
  { maxLength: 6 },
);

/** A request as it really goes: one command after another. */
class RealRun {
  readonly run: Run;
  readonly asked = new Map<string, string[]>();
  private readonly questions: Run['effects'] = [];

  constructor(
    readonly definition: CompiledDefinition,
    readonly payload: unknown,
    private readonly organisation: Organisation,
  ) {
    this.run = new Run(definition, payload);
    this.command(submit({ requester: requesterOf(person('rita'), organisation), title: 'Chairs' }));
  }

  get open() {
    return this.run.request.stages.flatMap(({ tasks }) => tasks).filter(({ state }) => state === 'open');
  }

  decide(task: { id: string; assignee: { id: string } }, decision: TaskDecision) {
    const reasonCode = this.definition.reasonCodes[decision]?.[0] ?? null;
    const actor = userActor(task.assignee.id);
    this.command({ type: 'decideTask', actor, taskId: task.id, decision, comment: 'c', reasonCode });
    expect(this.run.error).toBeNull();
  }

  private command(command: Parameters<Run['when']>[0]) {
    this.run.when(command);
    this.take();
    for (let question = this.questions.shift(); question; question = this.questions.shift()) {
      const { resolutionId, stageKey } = question;
      const outcome = resolve(question, this.organisation, PEOPLE);
      this.run.when({ type: 'approversResolved', actor: SYSTEM, resolutionId, stageKey, outcome });
      this.take();
    }
  }

  private take() {
    this.questions.push(...this.run.effects);
    for (const event of this.run.last.ok ? this.run.last.events : []) this.remember(event);
  }

  private remember(event: DomainEvent) {
    const add = (key: string, ids: string[]) =>
      this.asked.set(key, [...new Set([...(this.asked.get(key) ?? []), ...ids])]);
    if (event.type === 'request.stage_started') {
      add(
        event.stageKey,
        event.queue.map((one) => one.person.id),
      );
    }
    if (event.type === 'task.assigned') add(event.task.stageKey, [event.task.assignee.id]);
  }
}

function inputOf(real: RealRun, organisation: Organisation, decisions: GivenDecision[]): SimulationInput {
  let ids = 0;
  return {
    definition: real.definition,
    payload: real.payload,
    requester: requesterOf(person('rita'), organisation),
    workflow: { id: 'w1', key: 'w', version: 1 },
    title: 'Chairs',
    reason: null,
    decisions,
    now: NOW,
    newId: () => `sim-${(ids += 1)}`,
  };
}

function answered<Result>(simulation: Simulation<Result>, organisation: Organisation): Result {
  let step = simulation.next([]);
  while (!step.done) {
    step = simulation.next(step.value.map((question) => resolve(question, organisation, PEOPLE)));
  }
  return step.value;
}

function simulated(real: RealRun, organisation: Organisation, decisions: GivenDecision[]) {
  const result = answered(simulateRequest(inputOf(real, organisation, decisions)), organisation);
  if (!result.ok) throw new Error(result.impossible.detail);
  return result.request;
}

const withoutWebhooks = (definition: WorkflowDefinition): WorkflowDefinition =>
  JSON.parse(
    JSON.stringify(definition, (_, value: unknown) => {
      if (typeof value !== 'object' || value === null || !('webhook' in value)) return value;
      return { user: 'ann' };
    }),
  ) as WorkflowDefinition;

describe('a simulation of any workflow', () => {
  it('is what really happens, with the given decisions and then with everybody approving', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        arbitraryDefinition.map(withoutWebhooks),
        payloadArbitrary,
        organisationArbitrary,
        delegatesArbitrary,
        choicesArbitrary,
        (definition, payload, company, delegates, choices) => {
          const organisation = { ...company, delegates };
          const real = new RealRun(compileDefinition(definition), payload, organisation);
          const decisions: GivenDecision[] = [];
          for (const { task: n, decision } of choices) {
            const task = real.open[n % Math.max(1, real.open.length)];
            if (!task) break;
            decisions.push({ stage: task.stageKey, by: task.assignee, decision });
            real.decide(task, decision);
          }
          const now = real.run.request;
          const request = simulated(real, organisation, decisions);
          expect(request.state).toBe(now.state);
          const reached = new Map([...real.asked]);
          for (let task = real.open[0]; task; task = real.open[0]) real.decide(task, 'approve');
          const later = real.run.request;
          request.stages.forEach((stage, index) => {
            const [is, becomes] = [now.stages[index]!, later.stages[index]!];
            const skippedLater = is.state === 'pending' && becomes.state === 'skipped';
            expect([stage.key, stage.state]).toEqual([is.key, skippedLater ? 'skipped' : is.state]);
            expect(stage.approvers.map(({ id }) => id)).toEqual(real.asked.get(stage.key) ?? []);
            expect(stage.explanation).not.toBe('');
            expect(stage.explanation.endsWith(becomes.explanation ?? '.')).toBe(true);
            if (reached.has(stage.key)) expect(stage.explanation).toContain(is.explanation);
            seen.add(stage.state);
          });
          seen.add(`request ${request.state}`);
          const replayed = answered(replayRequest(inputOf(real, organisation, decisions)), organisation);
          expect(replayed.state).toBe(later.state);
          expect(replayed.stages.map(({ approvers }) => approvers)).toEqual(
            request.stages.map(({ approvers }) => approvers),
          );
        },
      ),
      { numRuns: 2_000 },
    );
    expect([...seen].sort()).toEqual([
      'active',
      'approved',
      'canceled',
      'failed',
      'pending',
      'rejected',
      'request completed',
      'request failed',
      'request pending_review',
      'request rejected',
      'request returned',
      'returned',
      'skipped',
    ]);
  });

  it('goes past stages whose approvers a webhook names', () => {
    let assumed = 0;
    fc.assert(
      fc.property(
        arbitraryDefinition,
        payloadArbitrary,
        organisationArbitrary,
        (definition, payload, organisation) => {
          const real = new RealRun(compileDefinition(withoutWebhooks(definition)), payload, organisation);
          const input = { ...inputOf(real, organisation, []), definition: compileDefinition(definition) };
          const result = answered(simulateRequest(input), organisation);
          if (!result.ok) throw new Error(result.impossible.detail);
          for (const { explanation, approvers } of result.request.stages) {
            expect(explanation).not.toBe('');
            for (const { id } of approvers) expect(PEOPLE).toContain(id);
            if (explanation.includes('is asked when the stage starts')) assumed++;
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(assumed).toBeGreaterThan(50);
  });

  it('says which of the decisions cannot be made', () => {
    fc.assert(
      fc.property(
        arbitraryDefinition.map(withoutWebhooks),
        payloadArbitrary,
        organisationArbitrary,
        fc.array(
          fc.record({
            stage: fc.constantFrom('manager', 'finance', 'legal', 'owner', 'board', 'nowhere'),
            by: fc.constantFrom(...PEOPLE).map(person),
            decision: fc.constantFrom<TaskDecision>('approve', 'reject'),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        (definition, payload, organisation, decisions) => {
          const real = new RealRun(compileDefinition(definition), payload, organisation);
          const result = answered(simulateRequest(inputOf(real, organisation, decisions)), organisation);
          let impossible: number | null = null;
          for (const [index, { stage, by, decision }] of decisions.entries()) {
            const task = real.open.find((one) => one.stageKey === stage && one.assignee.id === by.id);
            if (!task) {
              impossible = index;
              break;
            }
            real.decide(task, decision);
          }
          expect(result.ok ? null : result.impossible.index).toBe(impossible);
          if (!result.ok) expect(result.impossible.detail).toMatch(/^[A-Za-z].*\.$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
