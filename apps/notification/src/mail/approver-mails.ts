import type { Person } from '@countersign/contracts';
import {
  dueFact,
  fact,
  greet,
  nameOf,
  nameOfActor,
  namesOf,
  peopleIn,
  requestFacts,
  requestLink,
  stageFact,
  taskLink,
  textIn,
  type MailContent,
  type MailOccasion,
  type PlacedTask,
} from './mail-content';
import { summarise } from './summarise';

/** Everything that is needed to decide. */
const askFor = (
  occasion: MailOccasion,
  { stage, task }: PlacedTask,
  subject: string,
  sentence: string,
): MailContent => {
  const { request, payload } = occasion;
  const asked = task.onBehalfOf ? [`You are asked on behalf of ${nameOf(task.onBehalfOf)}.`] : [];
  return {
    subject: `${subject}: ${request.title}`,
    greeting: greet(task.assignee),
    sentences: [[sentence, ...asked].join(' ')],
    facts: [
      ...requestFacts(request),
      stageFact(request, stage),
      ...dueFact(task.dueAt),
      ['Task', task.id],
      ['Request', request.id],
    ],
    summary: summarise(payload),
    links: [taskLink(occasion, task), requestLink(occasion)],
  };
};

export const approvalNeeded = (occasion: MailOccasion, placed: PlacedTask): MailContent => {
  const requester = nameOf(occasion.request.requester);
  const needs = placed.task.onBehalfOf
    ? `${requester} needs an approval.`
    : `${requester} needs your approval.`;
  return askFor(occasion, placed, 'Approval needed', needs);
};

export const reminder = (occasion: MailOccasion, placed: PlacedTask): MailContent =>
  askFor(
    occasion,
    placed,
    'Reminder: approval needed',
    `A request by ${nameOf(occasion.request.requester)} still waits for you.`,
  );

export const overdueForApprover = (occasion: MailOccasion, placed: PlacedTask): MailContent =>
  askFor(
    occasion,
    placed,
    'Overdue: approval needed',
    `A request by ${nameOf(occasion.request.requester)} still waits for you, and is overdue.`,
  );

/** Tells an approver what became of their task; there is nothing left to do with it. */
const noticeOf = (
  occasion: MailOccasion,
  { stage, task }: PlacedTask,
  person: Person,
  subject: string,
  sentence: string,
  facts: MailContent['facts'],
): MailContent => ({
  subject: `${subject}: ${occasion.request.title}`,
  greeting: greet(person),
  sentences: [sentence],
  facts: [
    ...requestFacts(occasion.request),
    stageFact(occasion.request, stage),
    ...facts,
    ['Task', task.id],
    ['Request', occasion.request.id],
  ],
  summary: [],
  links: [requestLink(occasion)],
});

/** To the former assignee. */
export const taskReassigned = (occasion: MailOccasion, placed: PlacedTask): MailContent => {
  const { request, event } = occasion;
  const to = peopleIn(event, 'to');
  return noticeOf(
    occasion,
    placed,
    placed.task.assignee,
    'Reassigned',
    to.length > 0
      ? `Your task was given to ${namesOf(to)}. You need not decide any more.`
      : 'Your task was given to somebody else. You need not decide any more.',
    [...fact('By', nameOfActor(request, event.actor)), ...fact('Why', textIn(event, 'reason'))],
  );
};

const decisionWords = { approve: 'approved', reject: 'rejected', return: 'returned to the requester' };

/** To whom somebody stood in for. */
export const decidedForYou = (occasion: MailOccasion, placed: PlacedTask, delegator: Person): MailContent => {
  const { decision, decidedBy, reasonCode, comment } = placed.task;
  const what = decision ? decisionWords[decision] : 'decided';
  return noticeOf(
    occasion,
    placed,
    delegator,
    'Decided on your behalf',
    `${decidedBy ? nameOf(decidedBy) : 'Your stand-in'} has decided a request on your behalf: it was ${what}.`,
    [...fact('Reason code', reasonCode), ...fact('Comment', comment)],
  );
};

/** To whoever approved. */
export const approvalDismissed = (
  occasion: MailOccasion,
  placed: PlacedTask,
  approver: Person,
): MailContent =>
  noticeOf(
    occasion,
    placed,
    approver,
    'Approval no longer counts',
    'The request was changed after you approved it, so your approval no longer counts. If it is still needed, you are asked again.',
    [],
  );
