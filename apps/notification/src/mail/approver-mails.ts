import type { Person } from '@countersign/contracts';
import { formatTime } from '@countersign/reader';
import {
  decisionsOf,
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
  summaryOf,
  taskLink,
  textIn,
  type MailContent,
  type MailOccasion,
  type PlacedTask,
} from './mail-content';

/** Everything that is needed to decide. */
const askFor = (
  occasion: MailOccasion,
  { stage, task }: PlacedTask,
  subject: string,
  sentence: string,
): MailContent => {
  const { request, texts, publicUrl, link, reader } = occasion;
  const asked = task.onBehalfOf ? [texts.asked.onBehalfOf(nameOf(task.onBehalfOf))] : [];
  return {
    subject: `${subject}: ${request.title}`,
    greeting: greet(task.assignee, occasion),
    sentences: [[sentence, ...asked].join(' ')],
    facts: [
      ...requestFacts(occasion),
      stageFact(occasion, stage),
      ...dueFact(task.dueAt, occasion),
      [texts.labels.task, task.id],
      [texts.labels.request, request.id],
    ],
    summary: summaryOf(occasion),
    decisions: decisionsOf(occasion),
    // The id stands for the token, which takes its place when the mail is sent.
    decide: link && {
      url: `${publicUrl}/decide/${link.id}`,
      hint: texts.decideHint(formatTime(link.expiresAt, reader)),
    },
    links: [...(link ? [] : [taskLink(occasion, task)]), requestLink(occasion)],
  };
};

export const approvalNeeded = (occasion: MailOccasion, placed: PlacedTask): MailContent => {
  const { asked } = occasion.texts;
  const sentence = asked.sentence(nameOf(occasion.request.requester), placed.task.onBehalfOf === null);
  return askFor(occasion, placed, asked.subject, sentence);
};

export const reminder = (occasion: MailOccasion, placed: PlacedTask): MailContent => {
  const { reminded } = occasion.texts;
  return askFor(occasion, placed, reminded.subject, reminded.sentence(nameOf(occasion.request.requester)));
};

export const overdueForApprover = (occasion: MailOccasion, placed: PlacedTask): MailContent => {
  const { overdue } = occasion.texts;
  return askFor(occasion, placed, overdue.subject, overdue.sentence(nameOf(occasion.request.requester)));
};

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
  greeting: greet(person, occasion),
  sentences: [sentence],
  facts: [
    ...requestFacts(occasion),
    stageFact(occasion, stage),
    ...facts,
    [occasion.texts.labels.task, task.id],
    [occasion.texts.labels.request, occasion.request.id],
  ],
  summary: [],
  decisions: [],
  decide: null,
  links: [requestLink(occasion)],
});

/** To the former assignee. */
export const taskReassigned = (occasion: MailOccasion, placed: PlacedTask): MailContent => {
  const { request, event, texts } = occasion;
  const { labels, reassigned } = texts;
  const to = peopleIn(event, 'to');
  return noticeOf(
    occasion,
    placed,
    placed.task.assignee,
    reassigned.subject,
    reassigned.sentence(to.length > 0 ? namesOf(to, occasion) : null),
    [...fact(labels.by, nameOfActor(request, event.actor)), ...fact(labels.why, textIn(event, 'reason'))],
  );
};

/** To whom somebody stood in for. */
export const decidedForYou = (occasion: MailOccasion, placed: PlacedTask, delegator: Person): MailContent => {
  const { decision, decidedBy, reasonCode, comment } = placed.task;
  const { labels, decidedForYou: said } = occasion.texts;
  return noticeOf(
    occasion,
    placed,
    delegator,
    said.subject,
    said.sentence(decidedBy && nameOf(decidedBy), decision),
    [...fact(labels.reasonCode, reasonCode), ...fact(labels.comment, comment)],
  );
};

/** To whoever approved. */
export const approvalDismissed = (
  occasion: MailOccasion,
  placed: PlacedTask,
  approver: Person,
): MailContent => {
  const { dismissed } = occasion.texts;
  return noticeOf(occasion, placed, approver, dismissed.subject, dismissed.sentence, []);
};
