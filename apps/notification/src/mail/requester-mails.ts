import type { Person, RequestSnapshot } from '@countersign/contracts';
import {
  dueFact,
  fact,
  greet,
  nameOfActor,
  namesOf,
  requestFacts,
  requestLink,
  stageFact,
  textIn,
  type MailContent,
  type MailOccasion,
  type PlacedTask,
} from './mail-content';
import { summarise } from './summarise';

type OutcomeMail = (occasion: MailOccasion) => MailContent;

const decided = new Set(['request.approved', 'request.rejected', 'request.returned']);

const outcomeMail =
  (word: string, sentence: string): OutcomeMail =>
  (occasion) => {
    const { request, event, payload } = occasion;
    const comment = textIn(event, 'comment') ?? (decided.has(event.type) ? lastComment(request) : null);
    return {
      subject: `${word}: ${request.title}`,
      greeting: greet(request.requester),
      sentences: [sentence, ...(request.failure ? [request.failure.detail] : [])],
      facts: [
        ...requestFacts(request),
        ...fact('Comment', comment),
        ...fact('Why', textIn(event, 'reason')),
        ...fact('Reason code', textIn(event, 'reasonCode')),
        ...fact('Failure', request.failure?.code),
        ['Request', request.id],
      ],
      summary: summarise(payload),
      links: [requestLink(occasion)],
    };
  };

const overridden: OutcomeMail = (occasion) => {
  const { request, event } = occasion;
  const isApproval = event.data.outcome === 'approved';
  const mail = outcomeMail(
    `${isApproval ? 'Approved' : 'Rejected'} by emergency override`,
    `Your request was ${isApproval ? 'approved' : 'rejected'} by an emergency override, whoever had not answered yet.`,
  )(occasion);
  const by = fact('By', nameOfActor(request, event.actor));
  return { ...mail, facts: [...mail.facts.slice(0, -1), ...by, ...mail.facts.slice(-1)] };
};

/** What the last person who decided wrote. */
const lastComment = (request: RequestSnapshot): string | null => {
  const tasks = request.stages
    .flatMap((stage) => stage.tasks)
    .filter((task) => task.decidedAt !== null && task.comment);
  tasks.sort((a, b) => ((a.decidedAt ?? '') < (b.decidedAt ?? '') ? 1 : -1));
  return tasks[0]?.comment ?? null;
};

/** By event type: how it ended, or that it is back with them. */
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
  'request.overridden': overridden,
};

/** How a stage goes on. */
const progressMail = (
  occasion: MailOccasion,
  { stage, task }: PlacedTask,
  word: string,
  sentences: string[],
): MailContent => ({
  subject: `${word}: ${occasion.request.title}`,
  greeting: greet(occasion.request.requester),
  sentences,
  facts: [
    ...requestFacts(occasion.request),
    stageFact(occasion.request, stage),
    ...dueFact(task.dueAt),
    ['Request', occasion.request.id],
  ],
  summary: [],
  links: [requestLink(occasion)],
});

export const overdueForRequester = (
  occasion: MailOccasion,
  placed: PlacedTask,
  waitingFor: readonly Person[],
): MailContent =>
  progressMail(occasion, placed, 'Overdue', [
    `Your request should have been decided by now. It waits for ${namesOf(waitingFor)}.`,
  ]);

export const escalated = (occasion: MailOccasion, placed: PlacedTask, to: readonly Person[]): MailContent => {
  const asked = occasion.event.data.mode === 'replace' ? 'asked instead' : 'asked as well';
  const sentence =
    to.length > 0
      ? `${namesOf(to)} ${to.length > 1 ? 'were' : 'was'} ${asked}.`
      : 'Nobody else could be found to be asked.';
  return progressMail(occasion, placed, 'Escalated', [`Your request was not decided in time. ${sentence}`]);
};

export const tasksExpired = (
  occasion: MailOccasion,
  placed: PlacedTask,
  people: readonly Person[],
): MailContent =>
  progressMail(occasion, placed, 'Not answered in time', [
    `${namesOf(people)} did not answer in time. Your request goes on without ${people.length > 1 ? 'their answers' : 'that answer'}.`,
  ]);
