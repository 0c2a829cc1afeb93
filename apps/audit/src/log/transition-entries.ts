import { createHash } from 'node:crypto';
import type { Person, RequestSnapshot, RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import { canonicalJson } from '@countersign/merkle-log';
import type { LogEntry, PersonalData } from './log-entry';

/** Members of an event that are ids, states, codes or numbers, and may stand in a leaf for ever. */
const plainMembers = [
  'stageKey',
  'stageIndex',
  'taskId',
  'state',
  'revision',
  'approvalsNeeded',
  'resolutionId',
  'fallback',
  'reasonCode',
] as const;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** SHA-256 of the RFC 8785 JSON, in hex: what a payload was, without saying it. */
export const payloadHash = (payload: unknown): string =>
  createHash('sha256').update(canonicalJson(payload)).digest('hex');

const personalOf = ({ id, externalId, userName, displayName, email }: Person): PersonalData => ({
  subject: id,
  kind: 'person',
  data: { externalId, userName, displayName, email },
});

const textFor = (subject: string, kind: string, data: unknown): PersonalData[] =>
  data === null || data === undefined || data === '' ? [] : [{ subject, kind, data }];

interface Described {
  content: Record<string, unknown>;
  personal: PersonalData[];
}

const describeCreation = (request: RequestSnapshot, transition: RequestTransitioned): Described => {
  const { requester, title, reason, externalRef, metadata, workflow } = request;
  const payload = transition.revisionPayload?.payload.value;
  return {
    content: {
      workflow,
      requester: requester.id,
      revision: request.revision,
      payloadHash: payloadHash(payload),
    },
    personal: [
      personalOf(requester),
      { subject: requester.id, kind: 'request', data: { title, reason, externalRef, metadata } },
      { subject: requester.id, kind: 'payload', data: payload },
    ],
  };
};

const describeTask = (task: Record<string, unknown>, requesterId: string, why: unknown): Described => {
  const assignee = task.assignee as Person;
  const onBehalfOf = task.onBehalfOf as Person | null;
  const decidedBy = task.decidedBy as Person | null;
  return {
    content: {
      taskId: task.id,
      stageKey: task.stageKey,
      state: task.state,
      revision: task.revision,
      assignee: assignee.id,
      onBehalfOf: onBehalfOf?.id ?? null,
      decision: task.decision,
      decidedBy: decidedBy?.id ?? null,
      reasonCode: task.reasonCode,
    },
    personal: [
      ...[assignee, onBehalfOf, decidedBy]
        .filter((person) => person !== null)
        .map(personalOf)
        .filter(isFirstOfSubject),
      // Why somebody was chosen tells of the requester ("line manager of …").
      ...textFor(requesterId, 'why', why),
      ...textFor(decidedBy?.id ?? assignee.id, 'comment', task.comment),
    ],
  };
};

const isFirstOfSubject = (entry: PersonalData, index: number, all: readonly PersonalData[]): boolean =>
  all.findIndex(({ subject }) => subject === entry.subject) === index;

const describeOther = (event: TransitionEvent, requesterId: string): Described => {
  const { data } = event;
  const plain = Object.fromEntries(
    plainMembers.filter((name) => data[name] !== undefined).map((name) => [name, data[name]]),
  );
  const decidedBy =
    isRecord(data.decidedBy) && typeof data.decidedBy.id === 'string' ? data.decidedBy.id : null;
  const author = decidedBy ?? (event.actor.type === 'user' ? event.actor.id : null) ?? requesterId;
  const failure = isRecord(data.failure) ? data.failure : null;
  return {
    content: {
      ...plain,
      ...(decidedBy ? { decidedBy } : {}),
      ...(failure ? { failure: { code: failure.code, stage: failure.stage } } : {}),
    },
    personal: [
      ...textFor(author, 'comment', data.comment),
      ...textFor(author, 'reason', data.reason),
      // Explanations and failures quote the payload.
      ...textFor(requesterId, 'explanation', data.explanation),
      ...textFor(requesterId, 'failure', failure?.detail),
    ],
  };
};

/** The facts of a transition as entries of the log: what may stay for ever apart from what may have to go. */
export const entriesOf = (transition: RequestTransitioned): LogEntry[] => {
  const { request } = transition;
  return transition.events.map((event) => {
    const { task, why } = event.data;
    const described =
      event.type === 'request.created'
        ? describeCreation(request, transition)
        : isRecord(task)
          ? describeTask(task, request.requester.id, why)
          : describeOther(event, request.requester.id);
    return {
      workspaceId: request.workspaceId,
      id: event.id,
      type: event.type,
      at: event.at,
      actor: event.actor,
      requestId: request.id,
      requestVersion: request.version,
      taskId: event.taskId,
      workflowKey: request.workflow.key,
      content: { actor: event.actor, ...described.content },
      personal: described.personal,
    };
  });
};
