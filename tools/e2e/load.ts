import { createHash } from 'node:crypto';
import type { RequestView } from '@countersign/contracts';
import { pause } from './eventually';
import { expectStatus, type HttpClient } from './http-client';
import type { Heard, Promised } from './ledger';
import { persistentPost } from './persistent-call';
import { webhookId, type Behaviour, type RecordingServer } from './recording-server';
import { openTasks, order } from './requests';

/** What a person, or the system that asked, does once it knows of the request. */
type Step = { by: string; decision: 'approve' | 'reject' } | { cancel: string };

/** Steps done at the same time. */
type Together = readonly Step[];

export interface Scenario {
  workflow: string;
  payload: unknown;
  steps: readonly Together[];
  events: readonly string[];
}

const begun = ['request.created', 'request.submitted', 'request.stage_started', 'task.assigned'];
const approved = ['task.decided', 'request.approved', 'request.completed'];
const bob = 'bob@example.com';

/** Every way that a request goes in this load, one after another. */
export const scenarios: readonly Scenario[] = [
  {
    workflow: 'purchase-order',
    payload: order(500),
    steps: [[{ by: bob, decision: 'approve' }]],
    events: [...begun, ...approved],
  },
  {
    workflow: 'purchase-order',
    payload: order(5_000),
    steps: [
      [{ by: bob, decision: 'approve' }],
      [
        { by: 'carol@example.com', decision: 'approve' },
        { by: 'dave@example.com', decision: 'approve' },
      ],
    ],
    events: [
      ...begun,
      ...['task.decided', 'request.stage_approved', 'request.stage_started'],
      ...['task.assigned', 'task.assigned', 'task.assigned', 'task.decided'],
      ...approved,
    ],
  },
  {
    workflow: 'purchase-order',
    payload: order(500),
    steps: [[{ by: bob, decision: 'reject' }]],
    events: [...begun, 'task.decided', 'request.rejected'],
  },
  {
    workflow: 'guest',
    payload: { guest: 'someone' },
    steps: [[{ by: bob, decision: 'approve' }]],
    events: [...begun, ...approved],
  },
  {
    workflow: 'purchase-order',
    payload: order(500),
    steps: [[{ cancel: 'changed my mind' }]],
    events: [...begun, 'request.canceled'],
  },
];

export interface LoadOptions {
  client: HttpClient;
  /** Told of every event at `/standard`, as the people who approve are. */
  subscribers: RecordingServer;
  /** Requests on their way at any time. */
  inFlight: number;
  /** Between knowing and doing, in milliseconds: at random between half of this and one and a half. */
  thinkMs: number;
  /** Until a request that does not get on is given up, in milliseconds. */
  patienceMs: number;
  /** Default: all of them, one after another. */
  scenarios?: readonly Scenario[];
}

/**
 * Keeps a number of requests in flight: each is submitted, and decided by the people that a webhook says are asked.
 * Keeps account of what was answered.
 */
export class Load {
  readonly promised: Promised[] = [];
  /** Requests that did not get to their end, and why. */
  readonly stuck: string[] = [];
  private readonly latest = new Map<string, RequestView>();
  private readonly lanes: Promise<void>[] = [];
  private going = true;
  private started = 0;

  constructor(private readonly options: LoadOptions) {
    options.subscribers.behave('/standard', (call, nth) => {
      const { data } = JSON.parse(call.text) as { data: { request: RequestView } };
      const known = this.latest.get(data.request.id);
      if (!known || known.version < data.request.version) this.latest.set(data.request.id, data.request);
      return sometimesAway(call, nth);
    });
    options.subscribers.behave('/easylife', sometimesAway);
  }

  /** The number of requests answered 201 so far. */
  get taken(): number {
    return this.promised.length;
  }

  start(): void {
    for (let lane = 0; lane < this.options.inFlight; lane++) this.lanes.push(this.run(lane));
  }

  /** Begins no more requests, and waits until those begun are at their end or given up. */
  async finish(): Promise<void> {
    this.going = false;
    await Promise.all(this.lanes);
  }

  private async run(lane: number): Promise<void> {
    await pause((lane / this.options.inFlight) * this.options.thinkMs);
    while (this.going) await this.one().catch((error: Error) => void this.stuck.push(error.message));
  }

  private async one(): Promise<void> {
    const { client, patienceMs, scenarios: chosen = scenarios } = this.options;
    const scenario = chosen[this.started++ % chosen.length] as Scenario;
    const giveUpAt = () => Date.now() + patienceMs;
    const { workflow, payload, steps, events } = scenario;
    const submission = { workflow, payload, title: `number ${this.started}`, requester: 'alice@example.com' };
    const { id } = expectStatus(await persistentPost(client, '/v1/requests', submission, giveUpAt()), 201);
    const promise = { id, state: 'submitted', decisions: [] as Promised['decisions'][number][], events };
    this.promised.push(promise);
    for (const together of steps) {
      const done = await Promise.all(together.map((step) => this.take(id, step, giveUpAt)));
      const newest = done.reduce((one, other) => (one.request.version > other.request.version ? one : other));
      promise.state = newest.request.state;
      promise.decisions.push(...done.flatMap(({ decided }) => (decided ? [decided] : [])));
    }
  }

  /** One step of somebody, and what the answer to it was. */
  private async take(requestId: string, step: Step, giveUpAt: () => number) {
    const { client } = this.options;
    const doer = 'by' in step ? step.by : bob;
    const taskId = await this.taskOf(requestId, doer, giveUpAt());
    await this.think();
    if ('cancel' in step) {
      const path = `/v1/requests/${requestId}/cancel`;
      const answer = await persistentPost(client, path, { reason: step.cancel }, giveUpAt());
      return { request: expectStatus(answer, 200), decided: null };
    }
    const { decision } = step;
    const path = `/v1/tasks/${taskId}/decision`;
    const answer = await persistentPost(client.as(doer), path, { decision }, giveUpAt());
    return { request: expectStatus(answer, 200), decided: { taskId, decision } };
  }

  private async taskOf(requestId: string, userName: string, giveUpAt: number): Promise<string> {
    for (;;) {
      const known = this.latest.get(requestId);
      const task = known && openTasks(known).find(({ assignee }) => assignee.userName === userName);
      if (task) return task.id;
      if (Date.now() > giveUpAt)
        throw new Error(
          `request ${requestId}: ${userName} is not asked; it is ${known?.state ?? 'not known of'}`,
        );
      await pause(50);
    }
  }

  private think(): Promise<void> {
    return pause(this.options.thinkMs * (0.5 + Math.random()));
  }
}

/** A subscriber as they are: every now and then it answers 503. */
const sometimesAway: Behaviour = (_, nth) => ({ status: nth % 25 === 0 ? 503 : 204 });

/** What a subscriber has taken: the calls that it answered with 2xx. */
export const heardAt = (
  subscribers: RecordingServer,
  path: string,
  read: (body: string) => Pick<Heard, 'type' | 'requestId' | 'requestVersion'>,
): Heard[] =>
  subscribers
    .to(path)
    .filter(({ status }) => status === 204)
    .map((call) => ({
      webhookId: webhookId(call),
      digest: createHash('sha256').update(call.text).digest('hex'),
      ...read(call.text),
    }));
