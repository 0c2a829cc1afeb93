import type {
  Person,
  RequestSnapshot,
  StageSnapshot,
  TaskSnapshot,
  TransitionEvent,
} from '@countersign/contracts';
import { summarise } from './summarise';

/** What a mail says, before it is text or HTML. */
export interface MailContent {
  subject: string;
  greeting: string;
  sentences: string[];
  facts: [label: string, value: string][];
  /** The payload in short; empty when there is nothing to show. */
  summary: [path: string, value: string][];
  links: [label: string, url: string][];
}

const longestReason = 2_000;

const nameOf = (person: Person): string => person.displayName || person.userName;
const contactOf = (person: Person): string =>
  person.email ? `${nameOf(person)} (${person.email})` : nameOf(person);
const cut = (text: string): string =>
  text.length > longestReason ? `${text.slice(0, longestReason)}…` : text;
/** RFC 3339 in UTC, to the minute: `2026-11-21 09:00 UTC`. */
const timeOf = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

const requestFacts = (request: RequestSnapshot): [string, string][] => [
  ['Title', request.title],
  ...(request.reason ? [['Reason', cut(request.reason)] as [string, string]] : []),
  ['Requester', contactOf(request.requester)],
  ['Workflow', `${request.workflow.key} (version ${request.workflow.version})`],
  ...(request.externalRef ? [['Reference', request.externalRef] as [string, string]] : []),
];

/** To the approver: everything that is needed to decide. */
export const approvalNeeded = (
  request: RequestSnapshot,
  stage: StageSnapshot,
  task: TaskSnapshot,
  payload: unknown,
  publicUrl: string,
): MailContent => ({
  subject: `Approval needed: ${request.title}`,
  greeting: `Hello ${nameOf(task.assignee)},`,
  sentences: [
    task.onBehalfOf
      ? `${nameOf(request.requester)} needs an approval. You are asked on behalf of ${nameOf(task.onBehalfOf)}.`
      : `${nameOf(request.requester)} needs your approval.`,
  ],
  facts: [
    ...requestFacts(request),
    ['Stage', `${stage.title} (${stage.index + 1} of ${request.totalStages})`],
    ...(task.dueAt ? [['Due', timeOf(task.dueAt)] as [string, string]] : []),
    ['Task', task.id],
    ['Request', request.id],
  ],
  summary: summarise(payload),
  links: [
    ['The task', `${publicUrl}/v1/tasks/${task.id}`],
    ['The request', `${publicUrl}/v1/requests/${request.id}`],
  ],
});

type OutcomeMail = (
  request: RequestSnapshot,
  event: TransitionEvent,
  payload: unknown,
  publicUrl: string,
) => MailContent;

const textIn = (data: Record<string, unknown>, name: string): string | null => {
  const value = data[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

const decided = new Set(['request.approved', 'request.rejected', 'request.returned']);

const outcomeMail =
  (word: string, sentence: string): OutcomeMail =>
  (request, event, payload, publicUrl) => {
    const comment = textIn(event.data, 'comment') ?? (decided.has(event.type) ? lastComment(request) : null);
    const why = textIn(event.data, 'reason');
    const code = textIn(event.data, 'reasonCode');
    return {
      subject: `${word}: ${request.title}`,
      greeting: `Hello ${nameOf(request.requester)},`,
      sentences: [sentence, ...(request.failure ? [request.failure.detail] : [])],
      facts: [
        ...requestFacts(request),
        ...(comment ? [['Comment', cut(comment)] as [string, string]] : []),
        ...(why ? [['Why', cut(why)] as [string, string]] : []),
        ...(code ? [['Reason code', code] as [string, string]] : []),
        ...(request.failure ? [['Failure', request.failure.code] as [string, string]] : []),
        ['Request', request.id],
      ],
      summary: summarise(payload),
      links: [['The request', `${publicUrl}/v1/requests/${request.id}`]],
    };
  };

/** What the last person who decided wrote. */
const lastComment = (request: RequestSnapshot): string | null => {
  const tasks = request.stages
    .flatMap((stage) => stage.tasks)
    .filter((task) => task.decidedAt !== null && task.comment);
  tasks.sort((a, b) => ((a.decidedAt ?? '') < (b.decidedAt ?? '') ? 1 : -1));
  return tasks[0]?.comment ?? null;
};

/** To the requester, by event type: how it ended, or that it is back with them. */
export const outcomeMails: Readonly<Record<string, OutcomeMail>> = {
  'request.approved': outcomeMail('Approved', 'Your request was approved.'),
  'request.rejected': outcomeMail('Rejected', 'Your request was rejected.'),
  'request.returned': outcomeMail(
    'Returned',
    'Your request was given back to you. Change it and submit it again, or cancel it.',
  ),
  'request.canceled': outcomeMail('Canceled', 'Your request was canceled.'),
  'request.expired': outcomeMail('Expired', 'Your request was not decided in time.'),
  'request.failed': outcomeMail('Failed', 'Your request could not be routed to anyone who decides on it.'),
};
