import {
  pendingStageSnapshot,
  type Envelope,
  type Person,
  type RequestSnapshot,
  type RequestTransitioned,
  type TaskSnapshot,
  type TransitionEvent,
} from '@countersign/contracts';
import { v7 } from 'uuid';

const person = (name: string, email: string | null): Person => ({
  id: v7(),
  externalId: null,
  userName: `${name.toLowerCase()}@example.com`,
  displayName: name,
  email,
});

/** A request on its way, for tests: each method answers the message that routing would send. */
export class RequestStory {
  readonly requester: Person;
  readonly approver: Person;
  readonly payload = { amount: 4200, department: 'IT', region: 'EMEA' };
  readonly taskId = v7();
  request: RequestSnapshot;

  constructor(
    private readonly workspaceId: string,
    overrides: Partial<RequestSnapshot> & { approver?: Partial<Person> } = {},
  ) {
    const { approver, ...request } = overrides;
    this.requester = person('Alice', 'alice@example.com');
    this.approver = { ...person('Bob', 'bob@example.com'), ...approver };
    this.request = {
      id: v7(),
      workspaceId,
      workflow: { id: v7(), key: 'purchase-order', version: 3 },
      state: 'submitted',
      title: 'Two laptops',
      reason: 'New colleagues',
      requester: this.requester,
      externalRef: null,
      metadata: {},
      revision: 1,
      payloadRevision: 1,
      version: 1,
      stageIndex: 0,
      totalStages: 1,
      overridden: false,
      stages: [pendingStageSnapshot(0, 'manager', 'Line manager')],
      failure: null,
      createdAt: new Date().toISOString(),
      submittedAt: new Date().toISOString(),
      decidedAt: null,
      completedAt: null,
      ...request,
    };
  }

  created(): Envelope<RequestTransitioned> {
    return this.transition(['request.created', 'request.submitted'], true);
  }

  assigned(): Envelope<RequestTransitioned> {
    const task: TaskSnapshot = {
      id: this.taskId,
      requestId: this.request.id,
      stageKey: 'manager',
      state: 'open',
      assignee: this.approver,
      onBehalfOf: null,
      revision: 1,
      dueAt: null,
      decision: null,
      decidedBy: null,
      reasonCode: null,
      comment: null,
      decidedAt: null,
    };
    this.change(
      { state: 'pending_review' },
      { state: 'active', startedAt: new Date().toISOString(), tasks: [task] },
    );
    return this.transition(['request.stage_started', 'task.assigned']);
  }

  approved(): Envelope<RequestTransitioned> {
    const now = new Date().toISOString();
    const tasks = this.request.stages[0]!.tasks.map((task) => ({
      ...task,
      state: 'approved' as const,
      decision: 'approve' as const,
      decidedBy: this.approver,
      decidedAt: now,
      comment: 'Fine with me',
    }));
    this.change(
      { state: 'completed', decidedAt: now, completedAt: now },
      { state: 'approved', endedAt: now, tasks },
    );
    return this.transition(['task.decided', 'stage.ended', 'request.approved', 'request.completed']);
  }

  failed(): Envelope<RequestTransitioned> {
    this.change(
      {
        state: 'failed',
        failure: { code: 'no_approvers', stage: 'manager', detail: 'Nobody could be identified.' },
      },
      { state: 'failed' },
    );
    return this.transition(['request.failed']);
  }

  canceled(by: Person): Envelope<RequestTransitioned> {
    this.change({ state: 'canceled' }, { state: 'canceled' });
    const message = this.transition(['request.canceled']);
    message.data.events = message.data.events.map((event) => ({
      ...event,
      actor: { type: 'user', id: by.id, via: v7() },
      data: { reason: 'Not needed' },
    }));
    return message;
  }

  /** Any events at once, in a request that has changed so far; `payload` is the newest revision's. */
  happened(
    events: (Partial<TransitionEvent> & { type: string })[],
    request: Partial<RequestSnapshot> = {},
    payload?: unknown,
  ): Envelope<RequestTransitioned> {
    this.change(request, {});
    const message = this.transition(events.map(({ type }) => type));
    message.data.events = message.data.events.map((event, index) => ({ ...event, ...events[index] }));
    if (payload !== undefined) {
      message.data.revisionPayload = { revision: this.request.payloadRevision, payload: { value: payload } };
    }
    return message;
  }

  private change(request: Partial<RequestSnapshot>, stage: Partial<RequestSnapshot['stages'][number]>): void {
    this.request = {
      ...this.request,
      ...request,
      version: this.request.version + 1,
      stages: [{ ...this.request.stages[0]!, ...stage }],
    };
  }

  private transition(types: string[], isFirst = false): Envelope<RequestTransitioned> {
    const events = types.map((type): TransitionEvent => ({
      id: v7(),
      type,
      at: new Date().toISOString(),
      actor: { type: 'system', id: null, via: null },
      taskId: type.startsWith('task.') ? this.taskId : null,
      stageKey: null,
      data: {},
    }));
    return {
      id: v7(),
      type: 'request.transitioned.v1',
      source: 'routing',
      occurredAt: new Date().toISOString(),
      workspaceId: this.workspaceId,
      correlationId: v7(),
      causationId: null,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      data: {
        request: this.request,
        events,
        revisionPayload: isFirst ? { revision: 1, payload: { value: this.payload } } : null,
      },
    };
  }
}
