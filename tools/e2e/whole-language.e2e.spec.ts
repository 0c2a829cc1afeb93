import type { RequestView, TaskView } from '@countersign/contracts';
import type { ApproverSource, StageDefinition, WorkflowDefinition } from '@countersign/workflow';
import { arbitraryDefinition } from '../../libs/workflow/test/arbitrary-definition';
import fc from 'fast-check';
import { eventually, pause } from './eventually';
import { expectStatus, type HttpAnswer, type HttpClient, type Json, type Page } from './http-client';
import { createGroup } from './organisation';
import { countLeftOver, sampleLeftOver } from './read-books';
import { openTasks, read } from './requests';
import { startTestSystem, type TestSystem } from './test-system';

/** Requests at a time, and for how long new ones are begun. */
const lanes = 4;
const runMs = 40_000;
jest.setTimeout(runMs + 120_000);

const names = ['ann', 'bob', 'carol', 'dee', 'mona', 'rita'];
const finals = ['completed', 'rejected', 'canceled', 'expired', 'failed'];
const outcomes = [
  'request.approved',
  'request.rejected',
  'request.canceled',
  'request.expired',
  'request.failed',
];

let system: TestSystem;
let client: HttpClient;

beforeAll(async () => {
  system = await startTestSystem();
  client = system.admin;
  const ids = new Map<string, string>();
  const user = async (userName: string, more: Json = {}) => {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName, ...more };
    const options = { headers: { 'content-type': 'application/scim+json' } };
    ids.set(
      userName,
      expectStatus(await client.post<{ id: string }>('/scim/v2/Users', body, options), 201).id,
    );
  };
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
  const countersign = 'urn:countersign:scim:schemas:1.0:User';
  await user('mona', { [countersign]: { approvalLimit: 2_000 }, roles: [{ value: 'buyer' }] });
  await user('rita', { [enterprise]: { manager: { value: ids.get('mona') }, department: 'it' } });
  await user('ann', { roles: [{ value: 'counsel' }] });
  await user('bob');
  await user('carol', { roles: [{ value: 'counsel' }] });
  await user('dee');
  const members = (...of: string[]) => of.map((name) => ids.get(name) ?? '');
  await createGroup(client, 'finance', members('bob', 'carol', 'rita'));
  await createGroup(client, 'legal', members('ann', 'dee'));
});

afterAll(() => system?.stop());

/**
 * Webhooks have tests of their own; here nobody would answer them. What would fail the request at once, for want of
 * approvers or stages, mostly does not: half of the requests would end before anything happens.
 */
const lively = (definition: WorkflowDefinition): WorkflowDefinition => {
  const copy = withoutWebhooks(definition);
  stagesOf(copy).forEach((stage, index) => {
    if (index % 4 === 3 || !['fail', undefined].includes(stage.onNoApprovers as string | undefined)) return;
    stage.onNoApprovers = index % 4 === 0 ? 'approve' : 'skip';
  });
  return { ...copy, onNoStage: copy.onNoStage ?? 'approve' };
};

const withoutWebhooks = (definition: WorkflowDefinition): WorkflowDefinition =>
  JSON.parse(JSON.stringify(definition), (_, value: ApproverSource | null) =>
    typeof value === 'object' && value !== null && 'webhook' in value ? { user: 'dee' } : (value as unknown),
  ) as WorkflowDefinition;

const stagesOf = (definition: WorkflowDefinition): StageDefinition[] =>
  definition.stages.flatMap((step) => ('parallel' in step ? step.parallel : [step]));

const payloadArbitrary = fc.record({
  amount: fc.constantFrom(150, 700, 1_500, 2_500),
  region: fc.constantFrom('EMEA', 'APAC'),
  owner: fc.constantFrom('ann', 'dee', 'rita', 'nobody'),
  team: fc.constantFrom('finance', 'legal', 'nobodies'),
});
type Payload = typeof payloadArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** The payload with what else the subject wants. */
const fitting = ({ subject }: WorkflowDefinition, payload: Payload): Json => {
  const { note } = (subject as { properties: { note?: { type: string } } }).properties;
  return note ? { ...payload, note: note.type === 'boolean' ? true : 'a note' } : payload;
};

/** What the caller knows of a request. */
interface Known {
  view: RequestView;
}

/** One request, as it really is. */
class Walk {
  readonly said: string[] = [];

  constructor(
    readonly definition: WorkflowDefinition,
    readonly versions: number,
    readonly id: string,
  ) {}

  private ended: string | null = null;
  private version = 0;

  /** Reads the request and checks everything that must be true of it at any time. */
  async look(): Promise<RequestView> {
    const view = await read(client, this.id);
    const where = () => `${JSON.stringify(view)}\nafter ${this.said.join(', ')}`;
    const must = (holds: boolean, rule: string) => {
      if (!holds) throw new Error(`${rule}: ${where()}`);
    };
    must(view.version >= this.version, 'a version never goes back');
    this.version = view.version;
    if (this.ended !== null) must(view.state === this.ended, `a request that is ${this.ended} stays so`);
    if (finals.includes(view.state)) this.ended = view.state;
    const rests = finals.includes(view.state) || ['returned', 'draft'].includes(view.state);
    must(view.totalStages === view.stages.length, 'totalStages counts all');
    for (const stage of view.stages) {
      const open = stage.tasks.filter(({ state }) => state === 'open');
      must(open.length === 0 || (stage.state === 'active' && !rests), 'no open task on a closed stage');
      if (rests) must(stage.state !== 'active', 'no active stage in a request that rests');
      const people = open.map(({ assignee }) => assignee.id);
      must(new Set(people).size === people.length, 'nobody is asked twice in a stage');
      this.checkQuorum(view, stage, must);
      this.checkForbidden(view, stage, must);
    }
    return view;
  }

  private rule(key: string): StageDefinition {
    const found = stagesOf(this.definition).find((stage) => stage.key === key);
    if (!found) throw new Error(`the request has a stage ${key} that its workflow lacks`);
    return found;
  }

  /** Somebody asked here may lose their say meanwhile, by deciding another stage (four eyes). */
  isApart(key: string): boolean {
    return stagesOf(this.definition).some(
      ({ key: other, distinctFrom = [] }) =>
        distinctFrom.length > 0 && [other, ...distinctFrom].includes(key),
    );
  }

  /** The answers of this round. */
  private answers(view: RequestView, stage: RequestView['stages'][number]): TaskView[] {
    return stage.tasks.filter(
      ({ state, decidedAt }) =>
        (state === 'approved' || state === 'rejected') &&
        decidedAt !== null &&
        (view.submittedAt === null || decidedAt >= view.submittedAt),
    );
  }

  private checkQuorum(
    view: RequestView,
    stage: RequestView['stages'][number],
    must: (holds: boolean, rule: string) => void,
  ): void {
    const { approvals, received, rejections } = stage.quorum;
    const by = (state: string) =>
      new Set(
        this.answers(view, stage)
          .filter((task) => task.state === state)
          .map(({ decidedBy }) => decidedBy?.id),
      ).size;
    const parts = this.rule(stage.key).quorum;
    const isSplit = typeof parts === 'object' && 'each' in parts;
    const expected = by('approved');
    if (stage.state === 'active' || stage.state === 'approved') {
      if (!isSplit) must(received === expected, `${stage.key} has received ${expected} approvals`);
      must(rejections === by('rejected'), `${stage.key} has received as many rejections as people rejected`);
    }
    if (stage.state === 'active')
      must(received < approvals, `${stage.key} is not over before its quorum is met`);
    const byRule = /^(Approved without|Nobody decided)/.test(stage.explanation ?? '');
    if (stage.state === 'approved' && !byRule)
      must(approvals > 0 && received >= approvals, `${stage.key} is approved by its quorum`);
  }

  private checkForbidden(
    view: RequestView,
    stage: RequestView['stages'][number],
    must: (holds: boolean, rule: string) => void,
  ): void {
    const { selfApproval = 'forbid', distinctFrom = [] } = this.rule(stage.key);
    const involved = stage.tasks.filter(({ state }) => ['open', 'approved', 'rejected'].includes(state));
    if (selfApproval !== 'allow') {
      const own = involved.some(({ assignee }) => assignee.id === view.requester.id);
      must(!own, `the requester has no say in ${stage.key}`);
    }
    const deciders = (of: RequestView['stages'][number]) =>
      new Set(this.answers(view, of).map(({ decidedBy }) => decidedBy?.id));
    for (const other of view.stages.filter(({ key }) => distinctFrom.includes(key))) {
      const both = [...deciders(stage)].filter((id) => deciders(other).has(id));
      must(both.length === 0, `${stage.key} and ${other.key} have different deciders`);
    }
  }

  /** Does something of which only these refusals may come, and sees that the request is still whole. */
  async act(
    what: string,
    known: Known,
    call: () => Promise<HttpAnswer<unknown>>,
    ...refusals: string[]
  ): Promise<HttpAnswer<unknown>> {
    const answer = await call();
    const { code = '' } = (answer.body ?? {}) as { code?: string };
    this.said.push(`${what}: ${answer.status} ${code}`);
    if (answer.status === 202) await this.settled(String(answer.headers.location));
    else if (answer.status >= 300 && !refusals.includes(code))
      throw new Error(`${what} was answered ${answer.status}: ${answer.text}\nafter ${this.said.join(', ')}`);
    const after = await this.look();
    if (answer.status === 409 && code === 'invalid_transition' && after.version === known.view.version)
      expect(after).toEqual(known.view);
    known.view = after;
    return answer;
  }

  private async settled(location: string): Promise<void> {
    await eventually(`the command at ${location} is settled`, async () => {
      const { state } = expectStatus(await client.get<{ state: string }>(location), 200);
      return state !== 'pending';
    });
  }

  /** Everybody answers until there is no question left. */
  async finish(known: Known): Promise<void> {
    const until = Date.now() + 30_000;
    let tries = 0;
    for (;;) {
      known.view = await this.look();
      if (finals.includes(known.view.state)) break;
      if (Date.now() > until)
        throw new Error(`it does not end: ${JSON.stringify(known.view)}\nafter ${this.said.join(', ')}`);
      const open = openTasks(known.view);
      const task = open[(tries += 1) % Math.max(1, open.length)];
      if (task) {
        const refusals = ['task_closed', ...(this.isApart(task.stageKey) ? ['not_assignee'] : [])];
        const body = { decision: 'approve', comment: 'To get done.' };
        const call = () => client.as(task.assignee.userName).post(`/v1/tasks/${task.id}/decision`, body);
        await this.act(`finishing ${task.stageKey}`, known, call, ...refusals);
      } else if (known.view.state === 'returned') {
        await this.act('resubmit', known, () => client.post(`/v1/requests/${this.id}/submit`, {}));
      } else await pause(25);
    }
    const timeline = await client.get<Page<{ type: string }>>(`/v1/requests/${this.id}/timeline?limit=200`);
    const types = expectStatus(timeline, 200).data.map(({ type }) => type);
    const ends = types.filter((type) => outcomes.includes(type));
    if (timeline.body.nextCursor === null && ends.length !== 1)
      throw new Error(`it ended by ${ends.join(' and ')}\nafter ${this.said.join(', ')}`);
  }
}

type Step = fc.AsyncCommand<Known, Walk>;

abstract class Command implements Step {
  abstract run(known: Known, walk: Walk): Promise<void>;
  abstract toString(): string;
  check(): boolean {
    return true;
  }
}

const closed = ['task_closed', 'invalid_transition'];
const tasksOf = ({ view }: Known): TaskView[] => view.stages.flatMap(({ tasks }) => tasks);

/** Of all tasks rather an open one. */
const pick = (known: Known, index: number): TaskView | undefined => {
  const open = openTasks(known.view);
  const all = open.length > 0 && index % 4 > 0 ? open : tasksOf(known);
  return all[index % Math.max(1, all.length)];
};

class Decide extends Command {
  constructor(
    private readonly task: number,
    private readonly by: string | null,
    private readonly decision: string,
  ) {
    super();
  }

  async run(known: Known, walk: Walk): Promise<void> {
    const task = pick(known, this.task);
    if (!task) return void (known.view = await walk.look());
    const actor = this.by ?? task.assignee.userName;
    const isTheirs = [task.assignee, task.onBehalfOf].some((person) => person?.userName === actor);
    const body = { decision: this.decision, comment: 'Because.' };
    const answer = await walk.act(
      `${actor} decides ${task.stageKey}: ${this.decision}`,
      known,
      () => client.as(actor).post(`/v1/tasks/${task.id}/decision`, body),
      ...closed,
      ...(isTheirs && !walk.isApart(task.stageKey) ? [] : ['not_assignee']),
    );
    if (!isTheirs) expect([answer.status, (answer.body as Json).code]).toEqual([403, 'not_assignee']);
  }

  toString(): string {
    return `decide(${this.task}, ${this.by ?? 'assignee'}, ${this.decision})`;
  }
}

class Reassign extends Command {
  constructor(
    private readonly task: number,
    private readonly by: string | null,
    private readonly to: string,
  ) {
    super();
  }

  async run(known: Known, walk: Walk): Promise<void> {
    const task = pick(known, this.task);
    if (!task) return;
    const actor = this.by ?? task.assignee.userName;
    const isTheirs = [task.assignee, task.onBehalfOf].some((person) => person?.userName === actor);
    const answer = await walk.act(
      `${actor} reassigns ${task.stageKey} to ${this.to}`,
      known,
      () => client.as(actor).post(`/v1/tasks/${task.id}/reassign`, { to: this.to, reason: 'Away' }),
      ...closed,
      'unknown_reference',
      'validation_failed',
      ...(isTheirs ? [] : ['not_assignee']),
    );
    if (!isTheirs) expect(answer.status).toBeGreaterThanOrEqual(400);
  }

  toString(): string {
    return `reassign(${this.task}, ${this.by ?? 'assignee'}, ${this.to})`;
  }
}

class Remind extends Command {
  constructor(private readonly task: number) {
    super();
  }

  async run(known: Known, walk: Walk): Promise<void> {
    const task = pick(known, this.task);
    if (!task) return;
    await walk.act(
      `remind ${task.stageKey}`,
      known,
      () => client.as('rita').post(`/v1/tasks/${task.id}/remind`, {}),
      ...closed,
      'rate_limited',
    );
  }

  toString(): string {
    return `remind(${this.task})`;
  }
}

class Change extends Command {
  constructor(private readonly payload: Payload) {
    super();
  }

  async run(known: Known, walk: Walk): Promise<void> {
    const payload = fitting(walk.definition, this.payload);
    const answer = await walk.act(
      'change',
      known,
      () => client.patch(`/v1/requests/${walk.id}`, { payload }),
      'invalid_transition',
    );
    if (answer.status === 200) expect(known.view.payload).toEqual(payload);
  }

  toString(): string {
    return `change(${JSON.stringify(this.payload)})`;
  }
}

/** A call of the request itself. */
class Ask extends Command {
  constructor(
    private readonly path: string,
    private readonly body: Json,
    private readonly refusals: string[],
  ) {
    super();
  }

  async run(known: Known, walk: Walk): Promise<void> {
    const call = () => client.post(`/v1/requests/${walk.id}/${this.path}`, this.body);
    await walk.act(this.toString(), known, call, ...this.refusals);
  }

  toString(): string {
    return `${this.path}(${JSON.stringify(this.body)})`;
  }
}

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) =>
  Array.from({ length: weight }, () => arbitrary);
const anybody = fc.option(fc.constantFrom(...names), { freq: 3 });
const ask = (path: string, body: fc.Arbitrary<Json>, ...refusals: string[]) =>
  body.map((given): Step => new Ask(path, given, refusals));

const commands = fc.commands<Known, Walk, false>(
  [
    ...often(
      8,
      fc
        .tuple(fc.nat(30), anybody, fc.constantFrom('approve', 'approve', 'approve', 'reject', 'return'))
        .map(([task, by, decision]): Step => new Decide(task, by, decision)),
    ),
    ...often(
      2,
      fc
        .tuple(fc.nat(30), anybody, fc.constantFrom(...names))
        .map(([task, by, to]): Step => new Reassign(task, by, to)),
    ),
    ...often(
      2,
      payloadArbitrary.map((payload): Step => new Change(payload)),
    ),
    fc.nat(30).map((task): Step => new Remind(task)),
    ask('comments', fc.constant({ text: 'A word.' })),
    ask('submit', fc.constant({}), 'invalid_transition'),
    ask(
      'migrate',
      fc.constantFrom(1, 2).map((workflowVersion) => ({ workflowVersion })),
      'invalid_transition',
      'version_incompatible',
    ),
    fc.boolean().chain((rarely) =>
      rarely
        ? ask(
            'override',
            fc
              .constantFrom('approved', 'rejected')
              .map((outcome) => ({ outcome, reason: 'The house burns.' })),
            'invalid_transition',
          )
        : ask('cancel', fc.constant({ reason: 'No need.' }), 'invalid_transition'),
    ),
  ],
  { maxCommands: 20, size: 'max' },
);

let workflows = 0;

/** A new workflow with two versions that differ in what nobody notices, and a request of it. */
const begin = async (arbitrary: WorkflowDefinition, payload: Payload): Promise<Walk> => {
  const definition = { ...lively(arbitrary), key: `w${(workflows += 1)}` };
  const publish = async (title: string) => {
    const made = expectStatus(
      await client.post<{ version: number }>('/v1/workflows', { ...definition, title }),
      201,
    );
    const path = `/v1/workflows/${definition.key}/versions/${made.version}/publish`;
    expectStatus(await client.post(path, {}), 200);
  };
  await publish('One');
  await publish('Two');
  const made = await client.post<RequestView>('/v1/requests', {
    workflow: definition.key,
    workflowVersion: 1,
    title: 'A request',
    requester: 'rita',
    payload: fitting(definition, payload),
  });
  return new Walk(definition, 2, expectStatus(made, 201).id);
};

const reached = new Map<string, number>();

describe('any sequence of calls on any workflow of the whole language', () => {
  it('keeps every invariant of a request, and ends once everybody answers', async () => {
    const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
    const lane = fc.tuple(arbitraryDefinition, payloadArbitrary, commands);
    const start = Date.now();
    let [requests, calls] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(lane, { minLength: lanes, maxLength: lanes }), async (all) => {
        await Promise.all(
          all.map(async ([definition, payload, steps]) => {
            const walk = await begin(definition, payload);
            const known = { view: await walk.look() };
            await fc.asyncModelRun(() => ({ model: known, real: walk }), steps);
            await walk.finish(known);
            const end = [known.view.state, known.view.failure?.code].filter(Boolean).join(' ');
            reached.set(end, (reached.get(end) ?? 0) + 1);
            requests += 1;
            calls += walk.said.length;
          }),
        );
      }),
      // Shrinking would take hours; the commands and answers of what failed are in the message.
      {
        seed,
        numRuns: 1_000,
        endOnFailure: true,
        interruptAfterTimeLimit: runMs,
        markInterruptAsFailure: false,
      },
    );
    const ends = [...reached].map(([state, count]) => `${count} ${state}`).join(', ');
    console.log(
      `seed ${seed} (FC_SEED repeats it): ${requests} requests, ${calls} calls in ${Date.now() - start} ms: ${ends}`,
    );
    expect(requests).toBeGreaterThan(0);
  });

  it('leaves nothing over, and one outcome of each request', async () => {
    await eventually(
      'nothing is left over',
      async () => Object.values(await countLeftOver(system)).every((count) => count === 0),
      { withinMs: 30_000, everyMs: 250 },
    ).catch(async (error: Error) => {
      throw new Error(`${error.message} ${JSON.stringify(await sampleLeftOver(system))}`);
    });
    const [row] = await system.sql<Record<string, string>>(
      `SELECT (SELECT count(*) FROM routing.request) AS requests,
              (SELECT count(*) FROM routing.outcome) AS outcomes,
              (SELECT count(*) FROM routing.request r JOIN routing.outcome o ON o.request_id = r.id
                 JOIN intake.request i ON i.id = r.id
                WHERE o.state = r.aggregate ->> 'state' AND i.state = o.state AND i.version = r.version) AS agreed`,
    );
    expect(row?.outcomes).toBe(row?.requests);
    expect(row?.agreed).toBe(row?.requests);
  });
});

it('has handled every message at the first try', () => {
  expect(system.faults()).toEqual([]);
});
