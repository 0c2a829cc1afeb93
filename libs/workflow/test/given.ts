import {
  apply,
  compileDefinition,
  decide,
  parseDefinition,
  type Actor,
  type Command,
  type CompiledDefinition,
  type Decision,
  type Person,
  type RequestAggregate,
  type Requester,
} from '../src';

export const NOW = '2026-11-21T09:00:00.000Z';
export const SYSTEM: Actor = { type: 'system', id: null, via: null };

export function person(id: string): Person {
  return { id, externalId: null, userName: `${id}@example.com`, displayName: id, email: `${id}@example.com` };
}

export function userActor(id: string): Actor {
  return { type: 'user', id, via: 'key-1' };
}

export const requester: Requester = {
  ...person('rita'),
  department: 'it',
  region: 'EMEA',
  approvalLimit: null,
  groups: ['staff'],
  manager: 'mona',
};

/** A compiled definition from plain members; stages default to one approver source each. */
export function workflow(over: { stages: object[] } & Record<string, unknown>): CompiledDefinition {
  const stages = over.stages.map((stage) =>
    'parallel' in stage ? stage : { approvers: [{ user: 'anybody' }], ...stage },
  );
  const parsed = parseDefinition({ json: { key: 'w', ...over, stages } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compileDefinition(parsed.definition);
}

export function submit(over: object = {}): Command {
  return {
    type: 'submit',
    actor: userActor('rita'),
    requestId: 'r1',
    workspaceId: 'ws1',
    workflow: { id: 'w1', key: 'w', version: 1 },
    title: 'A request',
    reason: null,
    requester,
    externalRef: null,
    metadata: {},
    createdAt: NOW,
    ...over,
  };
}

/** One request, driven command by command; ids count up: id-1, id-2, … */
export class Run {
  state: RequestAggregate | null = null;
  last: Decision = { ok: true, events: [], effects: [] };
  now = NOW;
  private ids = 0;

  constructor(
    readonly definition: CompiledDefinition,
    public payload: unknown = {},
  ) {}

  when(command: Command): this {
    const newId = () => `id-${(this.ids += 1)}`;
    this.last = decide(command, this.state, {
      definition: this.definition,
      payload: this.payload,
      now: this.now,
      newId,
    });
    if (!this.last.ok) return this;
    this.state = apply(this.state, this.last.events);
    if (command.type === 'revise' && command.payload) this.payload = command.payload.value;
    return this;
  }

  /** The question about people that is outstanding. */
  get question(): { stageKey: string; resolutionId: string } | null {
    for (const { key, resolutions } of this.request.stages) {
      const [resolution] = resolutions;
      if (resolution) return { stageKey: key, resolutionId: resolution.id };
    }
    return null;
  }

  /** Answers it. Everybody is named by the first source, unless `sources` says otherwise. */
  resolved(people: string[], over: object = {}, sources: Record<string, number[]> = {}): this {
    return this.when({
      type: 'approversResolved',
      actor: SYSTEM,
      ...(this.question ?? { stageKey: 'none', resolutionId: 'none' }),
      outcome: {
        approvers: people.map((id) => ({
          person: person(id),
          why: ['named'],
          sources: sources[id] ?? [0],
        })),
        skipped: [],
        ...over,
      },
    });
  }

  /** Goes on at a later time. */
  at(now: string): this {
    this.now = now;
    return this;
  }

  /** Lets the clock do what is due. */
  ticks(now: string): this {
    return this.at(now).when({ type: 'tick', actor: SYSTEM });
  }

  decides(who: string, decision: 'approve' | 'reject' | 'return', over: object = {}): this {
    const tasks = this.request.stages.flatMap((stage) => stage.tasks);
    const task = tasks.filter(({ assignee }) => assignee.id === who).at(-1);
    return this.when({
      type: 'decideTask',
      actor: userActor(who),
      taskId: task?.id ?? 'none',
      decision,
      ...over,
    });
  }

  get request(): RequestAggregate {
    if (!this.state) throw new Error('there is no request yet');
    return this.state;
  }

  get types(): string[] {
    return this.last.ok ? this.last.events.map(({ type }) => type) : [];
  }

  get error() {
    return this.last.ok ? null : this.last.error;
  }

  get effects() {
    return this.last.ok ? this.last.effects : [];
  }

  get stageStates(): string[] {
    return this.request.stages.map(({ state }) => state);
  }
}
