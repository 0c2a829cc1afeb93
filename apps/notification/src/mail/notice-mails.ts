import type { Person, StageSnapshot } from '@countersign/contracts';
import {
  fact,
  greet,
  nameOf,
  nameOfActor,
  requestFacts,
  requestLink,
  stageFact,
  textIn,
  type MailContent,
  type MailOccasion,
} from './mail-content';
import { summarise } from './summarise';

/** To people whom the workflow has informed about a stage. */
export const forYourInformation = (
  occasion: MailOccasion,
  stage: StageSnapshot | null,
  person: Person,
): MailContent => {
  const { request, payload } = occasion;
  return {
    subject: `For your information: ${request.title}`,
    greeting: greet(person),
    sentences: [`A request by ${nameOf(request.requester)} is being decided. You need not do anything.`],
    facts: [...requestFacts(request), ...(stage ? [stageFact(request, stage)] : []), ['Request', request.id]],
    summary: summarise(payload),
    links: [requestLink(occasion)],
  };
};

/** To the requester and the approvers who are still asked. */
export const commented = (occasion: MailOccasion, person: Person): MailContent => {
  const { request, event } = occasion;
  const author = nameOfActor(request, event.actor);
  return {
    subject: `Comment: ${request.title}`,
    greeting: greet(person),
    sentences: [
      author ? `${author} has commented on this request.` : 'There is a new comment on this request.',
    ],
    facts: [...fact('Comment', textIn(event, 'text')), ...requestFacts(request), ['Request', request.id]],
    summary: [],
    links: [requestLink(occasion)],
  };
};
