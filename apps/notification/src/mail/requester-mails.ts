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
  summaryOf,
  textIn,
  type Fact,
  type MailContent,
  type MailOccasion,
  type PlacedTask,
} from './mail-content';
import type { MailTexts } from './texts';

type OutcomeMail = (occasion: MailOccasion) => MailContent;

const decided = new Set(['request.approved', 'request.rejected', 'request.returned']);

const outcomeMail =
  (said: (texts: MailTexts, occasion: MailOccasion) => { subject: string; sentence: string }): OutcomeMail =>
  (occasion) => {
    const { request, event, texts } = occasion;
    const { labels, failures } = texts;
    const { subject, sentence } = said(texts, occasion);
    const comment = textIn(event, 'comment') ?? (decided.has(event.type) ? lastComment(request) : null);
    const { failure } = request;
    const by: Fact[] =
      event.type === 'request.overridden' ? fact(labels.by, nameOfActor(request, event.actor)) : [];
    return {
      subject: `${subject}: ${request.title}`,
      greeting: greet(request.requester, occasion),
      sentences: [sentence, ...(failure ? [failures[failure.code] ?? failure.detail] : [])],
      facts: [
        ...requestFacts(occasion),
        ...fact(labels.comment, comment),
        ...fact(labels.why, textIn(event, 'reason')),
        ...fact(labels.reasonCode, textIn(event, 'reasonCode')),
        ...fact(labels.failure, failure?.code),
        ...by,
        [labels.request, request.id],
      ],
      summary: summaryOf(occasion),
      decisions: [],
      decide: null,
      links: [requestLink(occasion)],
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

/** By event type: how it ended, or that it is back with them. */
export const outcomeMails: Readonly<Record<string, OutcomeMail>> = {
  'request.approved': outcomeMail(({ outcomes }) => outcomes.approved),
  'request.rejected': outcomeMail(({ outcomes }) => outcomes.rejected),
  'request.returned': outcomeMail(({ outcomes }) => outcomes.returned),
  'request.canceled': outcomeMail(({ outcomes }) => outcomes.canceled),
  'request.expired': outcomeMail(({ outcomes }) => outcomes.expired),
  'request.failed': outcomeMail(({ outcomes }) => outcomes.failed),
  'request.overridden': outcomeMail(
    ({ overridden }, { event }) => overridden[event.data.outcome === 'approved' ? 'approved' : 'rejected'],
  ),
};

/** How a stage goes on. */
const progressMail = (
  occasion: MailOccasion,
  { stage, task }: PlacedTask,
  subject: string,
  sentence: string,
): MailContent => ({
  subject: `${subject}: ${occasion.request.title}`,
  greeting: greet(occasion.request.requester, occasion),
  sentences: [sentence],
  facts: [
    ...requestFacts(occasion),
    stageFact(occasion, stage),
    ...dueFact(task.dueAt, occasion),
    [occasion.texts.labels.request, occasion.request.id],
  ],
  summary: [],
  decisions: [],
  decide: null,
  links: [requestLink(occasion)],
});

export const remindedForRequester = (
  occasion: MailOccasion,
  placed: PlacedTask,
  people: readonly Person[],
): MailContent => {
  const { subject, sentence } = occasion.texts.remindedForRequester;
  return progressMail(occasion, placed, subject, sentence(namesOf(people, occasion), people.length > 1));
};

export const overdueForRequester = (
  occasion: MailOccasion,
  placed: PlacedTask,
  waitingFor: readonly Person[],
): MailContent => {
  const { subject, sentence } = occasion.texts.overdueForRequester;
  return progressMail(occasion, placed, subject, sentence(namesOf(waitingFor, occasion)));
};

export const escalated = (occasion: MailOccasion, placed: PlacedTask, to: readonly Person[]): MailContent => {
  const { subject, sentence } = occasion.texts.escalated;
  const names = to.length > 0 ? namesOf(to, occasion) : null;
  const isInstead = occasion.event.data.mode === 'replace';
  return progressMail(occasion, placed, subject, sentence(names, to.length > 1, isInstead));
};

export const tasksExpired = (
  occasion: MailOccasion,
  placed: PlacedTask,
  people: readonly Person[],
): MailContent => {
  const { subject, sentence } = occasion.texts.tasksExpired;
  return progressMail(occasion, placed, subject, sentence(namesOf(people, occasion), people.length > 1));
};
