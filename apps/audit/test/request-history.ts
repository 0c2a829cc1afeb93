import type { RequestSnapshot, RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import {
  apply,
  compileDefinition,
  decide,
  nextDue,
  parseDefinition,
  type Actor,
  type Command,
  type CompiledDefinition,
  type DomainEvent,
  type Person,
  type RequestAggregate,
} from '@countersign/workflow';
import fc from 'fast-check';
import { v5, v7 } from 'uuid';

const system: Actor = { type: 'system', id: null, via: null };
const key: Actor = { type: 'service', id: 'key-1', via: null };
const idOf = (name: string): string => v5(name, '0192f3a4-7b1c-7d10-8000-000000000000');

const names = ['ann', 'bob', 'cy', 'dee'] as const;
const person = (name: string): Person => ({
  id: idOf(name),
  externalId: null,
  userName: `${name}@example.com`,
  displayName: name,
  email: null,
});
const user = (name: string): Actor => ({ type: 'user', id: idOf(name), via: 'key-1' });
const groups = ['finance', 'legal', 'board'].map(idOf);

const definitionOf = (stages: object[], over: object): CompiledDefinition => {
  const parsed = parseDefinition({ json: { key: 'w', ...over, stages } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compileDefinition(parsed.definition);
};

const stage = fc.record(
  {
    when: fc.constantFrom('true', 'payload.amount > 10.0', 'request.revision < 2'),
    quorum: fc.constantFrom('any', 'all'),
    order: fc.constantFrom('parallel', 'sequential'),
    onNoApprovers: fc.oneof(
      fc.constantFrom('fail', 'skip', 'approve'),
      fc.constant({ fallback: [{ user: 'somebody' }] }),
    ),
    onReject: fc.constantFrom('reject', 'return'),
    sla: fc.constantFrom('PT30M', 'PT2H'),
    escalate: fc.constant([{ after: 'PT3H', to: [{ user: 'boss' }] }]),
    expire: fc
      .constantFrom('reject', 'approve', 'cancel', 'expire')
      .map((outcome) => ({ after: 'PT9H', outcome })),
    notify: fc.constant([{ user: 'observer' }]),
    reads: fc.constant(['payload.amount']),
  },
  { requiredKeys: [] },
);

/** Workflows of up to three steps, some of them parallel. */
const anyDefinition = fc
  .record({
    steps: fc.array(fc.array(stage, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
    onNoStage: fc.constantFrom('fail', 'approve'),
    onChange: fc.constantFrom('material', 'all'),
  })
  .map(({ steps, ...over }) =>
    definitionOf(
      steps.map((stages, step) => {
        const named = stages.map((one, index) => ({
          approvers: [{ user: 'anybody' }],
          ...one,
          key: `s${step}${index}`,
        }));
        return named.length > 1 ? { parallel: named } : named[0]!;
      }),
      {
        subject: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
        ...over,
      },
    ),
  );

/** Compiling one takes longer than leading a request through it. */
const definitions = fc.constantFrom(...fc.sample(anyDefinition, { numRuns: 80, seed: 7 }));

const amounts = fc.constantFrom(5, 20, 30);
const step = fc.record({
  /** Time that passes first. */
  ms: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1_000, max: 40 * 3_600_000 })),
  act: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('resolve' as const),
        people: fc.subarray([...names]),
        groups: fc.subarray(groups, { maxLength: 2 }),
        // Evidence of very many is more than one entry of the log can hold.
        rules: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(900) }),
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({
        do: fc.constant('decide' as const),
        decision: fc.constantFrom(
          'approve' as const,
          'approve' as const,
          'approve' as const,
          'reject' as const,
          'return' as const,
        ),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('handIn' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('revise' as const), amount: amounts }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('reassign' as const), to: fc.constantFrom(...names) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('comment' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('migrate' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('cancel' as const, 'override' as const),
        by: fc.constantFrom(user('rita'), user('ann'), key),
        outcome: fc.constantFrom('approved' as const, 'rejected' as const),
      }),
    },
  ),
});

export const histories = fc.record({
  definition: definitions,
  draft: fc.boolean(),
  amount: amounts,
  workflow: fc.constantFrom('purchase', 'travel'),
  region: fc.constantFrom('EMEA', 'APAC', null),
  department: fc.constantFrom('it', 'sales', null),
  steps: fc.array(step, { maxLength: 25 }),
});
export type HistoryPlan = typeof histories extends fc.Arbitrary<infer T> ? T : never;

/** One request, decided upon by the decider, as routing tells of it. */
export class RequestHistory {
  readonly id = v7();
  readonly transitions: RequestTransitioned[] = [];
  private state: RequestAggregate | null = null;
  private payload: { amount: number };

  constructor(
    workspaceId: string,
    private readonly plan: HistoryPlan,
    private now: Date,
  ) {
    this.payload = { amount: plan.amount };
    this.run({
      type: 'submit',
      actor: user('rita'),
      requestId: this.id,
      workspaceId,
      workflow: { id: idOf(plan.workflow), key: plan.workflow, version: 1 },
      title: 'A request',
      reason: null,
      requester: {
        ...person('rita'),
        department: plan.department,
        region: plan.region,
        approvalLimit: null,
        groups: [],
        manager: null,
      },
      externalRef: null,
      metadata: {},
      createdAt: now.toISOString(),
      draft: plan.draft,
    });
    for (const { ms, act } of plan.steps) {
      this.now = new Date(this.now.getTime() + ms);
      this.act(act);
    }
  }

  private act(act: HistoryPlan['steps'][number]['act']): void {
    const { state } = this;
    const open = state?.stages.flatMap(({ tasks }) => tasks).find((task) => task.state === 'open');
    switch (act.do) {
      case 'resolve': {
        const asking = state?.stages.find(({ resolutions }) => resolutions.length > 0);
        const [resolution] = asking?.resolutions ?? [];
        if (!asking || !resolution) return;
        const source = { rule: 'approvers.0', kind: 'group' as const, refs: 1, named: 1, people: [] };
        return this.run({
          type: 'approversResolved',
          actor: system,
          resolutionId: resolution.id,
          stageKey: asking.key,
          outcome: {
            approvers: act.people.map((name) => ({
              person: person(name),
              why: ['named'],
              sources: [0, 1, 2],
            })),
            skipped: [],
            evidence: {
              directoryVersion: 1,
              at: this.now.toISOString(),
              sources: Array.from({ length: act.rules }, () => ({
                ...source,
                groups: act.groups.map((id) => ({ id, version: 1 })),
              })),
            },
          },
        });
      }
      case 'decide':
        return (
          open &&
          this.run({
            type: 'decideTask',
            actor: { type: 'user', id: open.assignee.id, via: null },
            taskId: open.id,
            decision: act.decision,
          })
        );
      case 'tick': {
        const due = state && nextDue(state);
        if (due && due > this.now.toISOString()) this.now = new Date(due);
        return this.run({ type: 'tick', actor: system });
      }
      case 'handIn':
        return this.run({ type: 'handIn', actor: user('rita') });
      case 'revise': {
        const payload = { amount: act.amount };
        this.run({ type: 'revise', actor: user('rita'), payload: { value: payload } });
        return;
      }
      case 'reassign':
        return (
          open &&
          this.run({
            type: 'reassign',
            actor: { type: 'user', id: open.assignee.id, via: null },
            taskId: open.id,
            to: person(act.to),
            reason: null,
          })
        );
      case 'comment':
        return this.run({ type: 'comment', actor: user('ann'), commentId: v7(), text: 'well' });
      case 'migrate':
        return this.run({
          type: 'migrate',
          actor: key,
          version: (state?.workflow.version ?? 1) + 1,
          target: this.plan.definition,
        });
      case 'cancel':
        return this.run({ type: 'cancel', actor: act.by, reason: null });
      case 'override':
        return this.run({
          type: 'override',
          actor: act.by,
          outcome: act.outcome,
          reason: 'because it burns',
        });
    }
  }

  private run(command: Command): void {
    const { definition } = this.plan;
    const env = { definition, payload: this.payload, now: this.now.toISOString(), newId: () => v7() };
    const decision = decide(command, this.state, env);
    if (!decision.ok) return;
    if (command.type === 'revise' && command.payload)
      this.payload = command.payload.value as { amount: number };
    if (decision.events.length === 0) return;
    this.state = apply(this.state, decision.events);
    const events = decision.events.map(eventOf);
    this.transitions.push({ request: snapshotOf(this.state!), events, revisionPayload: null });
  }
}

const eventOf = (event: DomainEvent): TransitionEvent => {
  const { id, type, at, actor, ...data } = event;
  const ofStage = 'task' in event ? event.task : 'stageKey' in event ? event : null;
  const taskId = 'task' in event ? event.task.id : 'taskId' in event ? event.taskId : null;
  const base = { id, type, at, actor, taskId, stageKey: ofStage?.stageKey ?? null };
  if (event.type === 'request.created') {
    const { department, region } = event.request.requester;
    return { ...base, data: { requester: { department, region } } };
  }
  if (event.type === 'stage.awaiting_approvers') {
    const { resolution, stageKey, stageIndex } = event;
    return {
      ...base,
      data: { stageKey, stageIndex, resolutionId: resolution.id, purpose: resolution.purpose },
    };
  }
  return { ...base, data };
};

/** What the audit service reads of it, and what makes it valid. */
const snapshotOf = ({ stages, requester, ...request }: RequestAggregate): RequestSnapshot => {
  const { id, externalId, userName, displayName, email } = requester;
  return {
    ...request,
    requester: { id, externalId, userName, displayName, email },
    stages: [],
    stageIndex: 0,
    totalStages: stages.length,
  };
};
