import type { Person, RequestSnapshot, StageSnapshot } from '@countersign/contracts';
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

/** Who is to be informed may be found out only after the request has been decided. */
const whatBecame = ({ state }: RequestSnapshot): string =>
  state === 'submitted' || state === 'pending_review'
    ? 'is being decided'
    : `was to be decided and is ${state} by now`;

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
    sentences: [
      `A request by ${nameOf(request.requester)} ${whatBecame(request)}. You need not do anything.`,
    ],
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
