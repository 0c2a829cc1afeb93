import {
  ApproversPreviewed,
  ApproversResolved,
  CallResolver,
  CheckRefs,
  DirectoryChanged,
  FindPeople,
  PeopleFound,
  PreviewApprovers,
  PublishPeople,
  RefsChecked,
  ResolveApprovers,
} from './jobs/approver.jobs';
import { EraseSubject, SubjectErased } from './jobs/erasure.jobs';
import { FactHappened } from './jobs/fact.jobs';
import {
  AttemptDelivery,
  AuditHappened,
  NotificationHappened,
  SendMail,
  WorkspaceDescribed,
} from './jobs/notification.jobs';
import {
  CancelRequest,
  CommandSettled,
  CommentRequest,
  DecideTask,
  DelegationsChanged,
  HandInRequest,
  MigrateRequest,
  OverrideRequest,
  PeopleLeave,
  PersonLeft,
  ReassignTask,
  RemindTask,
  RequestDelegations,
  RequestTransitioned,
  ReviseRequest,
  SubmitRequest,
  TickRequest,
  WorkflowPublished,
} from './jobs/request.jobs';
import { queueOwner, type QueueName } from './services';

/** How often a message is tried before it is a dead letter, and how long between tries (milliseconds, exponential). */
export interface RetryPolicy {
  attempts: number;
  firstDelayMs: number;
  maxDelayMs: number;
}

export interface JobContract<T> {
  data: new () => T;
  queues: readonly QueueName[];
  retry: RetryPolicy;
}

const job = <T>(data: new () => T, queues: QueueName[], retry: RetryPolicy): JobContract<T> => ({
  data,
  queues,
  retry,
});

/** A transition must not overtake patience: about 2 minutes of tries before a person has to look. */
const transition: RetryPolicy = { attempts: 10, firstDelayMs: 100, maxDelayMs: 30_000 };
/** Cheap to answer, worthless when late. */
const question: RetryPolicy = { attempts: 4, firstDelayMs: 50, maxDelayMs: 500 };

/**
 * Every job there is, with where it goes. A service that lacks a handler for a job of its queues, or
 * has one too many, does not start.
 */
export const catalogue = {
  'request.submit.v1': job(SubmitRequest, ['routing'], transition),
  'request.hand-in.v1': job(HandInRequest, ['routing'], transition),
  'request.revise.v1': job(ReviseRequest, ['routing'], transition),
  'request.decide.v1': job(DecideTask, ['routing'], transition),
  'request.cancel.v1': job(CancelRequest, ['routing'], transition),
  'request.override.v1': job(OverrideRequest, ['routing'], transition),
  'request.migrate.v1': job(MigrateRequest, ['routing'], transition),
  'request.comment.v1': job(CommentRequest, ['routing'], transition),
  'task.reassign.v1': job(ReassignTask, ['routing'], transition),
  'task.remind.v1': job(RemindTask, ['routing'], transition),
  'request.tick.v1': job(TickRequest, ['routing'], transition),
  'request.person-left.v1': job(PersonLeft, ['routing'], transition),
  'people.leave.v1': job(PeopleLeave, ['routing'], transition),
  'request.delegations.v1': job(RequestDelegations, ['routing'], transition),
  'delegations.changed.v1': job(DelegationsChanged, ['routing'], transition),
  'workflow.published.v1': job(WorkflowPublished, ['routing'], transition),
  'approvers.resolve.v1': job(ResolveApprovers, ['approver-resolution'], transition),
  'approvers.call.v1': job(CallResolver, ['approver-resolution-webhook'], transition),
  'approvers.resolved.v1': job(ApproversResolved, ['routing'], transition),
  'approvers.preview.v1': job(PreviewApprovers, ['approver-resolution'], question),
  'approvers.previewed.v1': job(ApproversPreviewed, ['intake'], question),
  'request.transitioned.v1': job(RequestTransitioned, ['intake', 'notification', 'audit'], transition),
  'command.settled.v1': job(CommandSettled, ['intake'], transition),
  'directory.find.v1': job(FindPeople, ['approver-resolution'], question),
  'directory.found.v1': job(PeopleFound, ['intake', 'notification', 'audit'], question),
  'directory.check.v1': job(CheckRefs, ['approver-resolution'], question),
  'directory.checked.v1': job(RefsChecked, ['intake'], question),
  'directory.changed.v1': job(DirectoryChanged, ['intake', 'routing', 'notification', 'audit'], transition),
  'directory.publish.v1': job(PublishPeople, ['approver-resolution'], transition),
  'workspace.described.v1': job(WorkspaceDescribed, ['notification'], transition),
  'delivery.attempt.v1': job(AttemptDelivery, ['notification-webhook'], transition),
  'notification.happened.v1': job(NotificationHappened, ['audit'], transition),
  'audit.happened.v1': job(AuditHappened, ['notification'], transition),
  'subject.erase.v1': job(
    EraseSubject,
    ['intake', 'routing', 'approver-resolution', 'notification', 'audit'],
    transition,
  ),
  'subject.erased.v1': job(SubjectErased, ['audit'], transition),
  'fact.happened.v1': job(FactHappened, ['audit'], transition),
  'mail.send.v1': job(SendMail, ['notification-email'], transition),
} as const satisfies Record<string, JobContract<unknown>>;

export type JobType = keyof typeof catalogue;
export type JobData<K extends JobType> = InstanceType<(typeof catalogue)[K]['data']>;

export const isJobType = (type: string): type is JobType => Object.hasOwn(catalogue, type);

/** The jobs that the consumer of a queue must handle. */
export const jobsOf = (queue: QueueName): JobType[] =>
  (Object.keys(catalogue) as JobType[]).filter((type) =>
    (catalogue[type].queues as readonly QueueName[]).includes(queue),
  );

export const ownerOf = (queue: QueueName) => queueOwner[queue];
