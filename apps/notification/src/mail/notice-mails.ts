import type { Person, StageSnapshot } from '@countersign/contracts';
import {
  fact,
  greet,
  nameOf,
  nameOfActor,
  requestFacts,
  requestLink,
  stageFact,
  summaryOf,
  textIn,
  type MailContent,
  type MailOccasion,
} from './mail-content';

/** To people whom the workflow has informed about a stage: it may have been found out who they are only after the request was decided. */
export const forYourInformation = (
  occasion: MailOccasion,
  stage: StageSnapshot | null,
  person: Person,
): MailContent => {
  const { request, texts } = occasion;
  const { subject, undecided, decided } = texts.forYourInformation;
  const requester = nameOf(request.requester);
  const isOpen = request.state === 'submitted' || request.state === 'pending_review';
  return {
    subject: `${subject}: ${request.title}`,
    greeting: greet(person, occasion),
    sentences: [isOpen ? undecided(requester) : decided(requester, request.state)],
    facts: [
      ...requestFacts(occasion),
      ...(stage ? [stageFact(occasion, stage)] : []),
      [texts.labels.request, request.id],
    ],
    summary: summaryOf(occasion),
    decisions: [],
    decide: null,
    links: [requestLink(occasion)],
  };
};

/** To the requester and the approvers who are still asked. */
export const commented = (occasion: MailOccasion, person: Person): MailContent => {
  const { request, event, texts } = occasion;
  const { subject, sentence } = texts.commented;
  return {
    subject: `${subject}: ${request.title}`,
    greeting: greet(person, occasion),
    sentences: [sentence(nameOfActor(request, event.actor))],
    facts: [
      ...fact(texts.labels.comment, textIn(event, 'text')),
      ...requestFacts(occasion),
      [texts.labels.request, request.id],
    ],
    summary: [],
    decisions: [],
    decide: null,
    links: [requestLink(occasion)],
  };
};
