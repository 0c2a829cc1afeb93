import type {
  CallEvidence,
  Candidate,
  EventData,
  EventType,
  GroupEvidence,
  Person,
  QuorumPart,
  RequestAggregate,
  RequestFailure,
  Requester,
  Resolution,
  ResolutionEvidence,
  SourceEvidence,
  StandInEvidence,
  Task,
  WebhookEvidence,
} from '@countersign/workflow';
import {
  leftOut,
  listOf,
  personWith,
  plain,
  plainAs,
  record,
  recordSealing,
  sealedFor,
  spread,
  words,
  type MemberRule,
  type RulesFor,
} from './member-rules';

const personal: MemberRule = sealedFor('author', 'person');
const personRules: RulesFor<Omit<Person, 'id'>> = {
  externalId: personal,
  userName: personal,
  displayName: personal,
  email: personal,
};
const person = personWith<Person>(personRules);
const people = listOf(person);
const requester = personWith<Requester>({
  ...personRules,
  department: personal,
  region: personal,
  approvalLimit: personal,
  groups: personal,
  manager: personal,
});

/** Why somebody was chosen names others, and what a stage's explanation quotes is the payload. */
const why = sealedFor('requester', 'why');
const explanation = sealedFor('requester', 'explanation');
const whoIsLeftOut = sealedFor('requester', 'leftOut');
const note = sealedFor('requester', 'note');
const reason = sealedFor('author', 'reason');
const comment = sealedFor('author', 'comment');
/** May be a value of the payload. */
const dueAt = sealedFor('requester', 'due');

const ofStage = { stageKey: plain, stageIndex: plain };
const quorum = listOf(record<QuorumPart>({ approvals: plain, people: listOf(plain) }));
const queue = listOf(record<Candidate>({ person, why, onBehalfOf: person, substitution: why }));
const answer = { stageKey: plain, decidedBy: person, reasonCode: plain, comment };

const resolution = record<Resolution>({
  id: plain,
  purpose: plain,
  escalation: plain,
  counts: record<Resolution['counts']>({ approvers: plain, parts: listOf(plain), reroute: plain }),
});

/** Numbers of people, ids and hashes. Whom a webhook named may be a name, and where it is somebody's. */
const evidence = record<ResolutionEvidence>({
  directoryVersion: plain,
  at: plain,
  standIns: listOf(record<StandInEvidence>({ of: plain, holder: plain, delegations: listOf(plain) })),
  sources: listOf(
    record<SourceEvidence>({
      rule: plain,
      kind: plain,
      refs: plain,
      named: plain,
      people: listOf(plain),
      groups: listOf(record<GroupEvidence>({ id: plain, version: plain })),
      of: listOf(plain),
      levels: plain,
      webhook: record<WebhookEvidence>({
        url: sealedFor('requester', 'url'),
        format: plain,
        answered: sealedFor('requester', 'answered'),
        calls: listOf(
          // The hash of a body that has few possible values says what was in it.
          recordSealing<CallEvidence>(
            {
              attempt: plain,
              at: plain,
              status: plain,
              latencyMs: plain,
              result: plain,
              requestHash: leftOut,
              answerHash: leftOut,
              keptFrom: plain,
            },
            { kind: 'hashes', sealed: ['requestHash', 'answerHash'], names: ['attempt'] },
          ),
        ),
      }),
    }),
  ),
});

const creation: RulesFor<EventData['request.created']['request']> = {
  // The entry and its log say these two.
  id: leftOut,
  workspaceId: leftOut,
  workflow: record<RequestAggregate['workflow']>({ id: plain, key: plain, version: plain }),
  title: words,
  reason: words,
  requester,
  externalRef: words,
  metadata: words,
  revision: plain,
  payloadRevision: leftOut,
  overridden: leftOut,
  createdAt: plain,
};

const taskRules: RulesFor<Task & { requestId: string }> = {
  id: plainAs('taskId'),
  requestId: leftOut,
  stageKey: plain,
  state: plain,
  assignee: person,
  onBehalfOf: person,
  revision: plain,
  // The stage's, sealed with request.stage_started.
  dueAt: leftOut,
  decision: plain,
  decidedBy: person,
  reasonCode: plain,
  comment,
  decidedAt: plain,
  openedAt: plain,
  // Sealed with task.assigned.
  why: leftOut,
  substitution: leftOut,
  remindAt: plain,
  remindedAt: plain,
  reminders: plain,
  overdue: plain,
  passedTo: plain,
  passedBy: plain,
};

const idOf = (value: unknown): string | null =>
  typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
    ? value.id
    : null;

/** Who decided is the author of a task's comment, whoever or whatever closed it. */
const task = spread<Task & { requestId: string }>(taskRules, ({ decidedBy, assignee }, subjects) => ({
  ...subjects,
  author: idOf(decidedBy) ?? idOf(assignee) ?? subjects.author,
}));

/**
 * How each member of each event enters the log: a closed list (product §3, Audit). An event type or a member that is
 * missing here does not compile, fails the tests, and at run time is sealed whole for the requester.
 */
export const eventRules: { readonly [T in EventType]: RulesFor<EventData[T]> } = {
  'request.created': { request: spread(creation), stages: leftOut },
  'request.submitted': { revision: plain },
  'request.stage_started': {
    ...ofStage,
    quorum,
    explanation,
    dueAt,
    escalateAt: listOf(plain),
    expireAt: plain,
    queue,
  },
  'request.stage_approved': ofStage,
  // The names of a payload's members are as free as its values.
  'request.revised': {
    revision: plain,
    changed: sealedFor('requester', 'changed'),
    title: words,
    reason: words,
  },
  'request.approved': { explanation },
  'request.rejected': answer,
  'request.returned': answer,
  'request.canceled': { reason },
  'request.expired': { stageKey: plain },
  'request.failed': {
    failure: record<RequestFailure>({
      code: plain,
      stage: plain,
      detail: sealedFor('requester', 'failure'),
    }),
  },
  'request.completed': {},
  'request.overridden': { outcome: plain, reason },
  'request.commented': { commentId: plain, text: comment },
  'request.edited': { title: words, reason: words, payloadRevision: plain },
  'request.migrated': {
    from: plain,
    to: plain,
    // Titles are the definition's.
    stages: listOf(
      record<EventData['request.migrated']['stages'][number]>({ key: plain, title: leftOut, from: plain }),
    ),
  },
  'task.assigned': { task, why },
  'task.decided': { task },
  'task.reminded': { task },
  'task.overdue': { task },
  'task.escalated': { task, mode: plain, to: people },
  'task.reassigned': { task, to: person, reason },
  'task.dismissed': { task },
  'task.expired': { task },
  'task.closed': { taskId: plain, stageKey: plain, state: plain },
  'stage.skipped': { ...ofStage, explanation },
  'stage.awaiting_approvers': { ...ofStage, resolution, ...{ resolutionId: plain, purpose: plain } },
  // Names and addresses of people, and what somebody else's server had to say.
  'stage.resolved': {
    ...ofStage,
    resolutionId: plain,
    purpose: plain,
    leftOut: whoIsLeftOut,
    note,
    evidence,
  },
  'stage.quorum_changed': { ...ofStage, quorum, explanation },
  'stage.queue_changed': { ...ofStage, queue },
  'stage.due_changed': { ...ofStage, dueAt },
  'stage.escalated': { ...ofStage, escalation: plain },
  'stage.notified': { ...ofStage, people },
  'stage.reopened': { ...ofStage, explanation },
  'stage.ended': { ...ofStage, state: plain, explanation },
};

/** Members of the request that the log takes at its creation. */
export const creationMembers = Object.keys(creation);
