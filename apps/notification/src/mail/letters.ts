import type { Person, RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import {
  approvalDismissed,
  approvalNeeded,
  overdueForApprover,
  reminder,
  taskReassigned,
} from './approver-mails';
import { distinct, peopleIn, type MailContent, type MailOccasion, type PlacedTask } from './mail-content';
import { commented, forYourInformation } from './notice-mails';
import { escalated, outcomeMails, overdueForRequester, tasksExpired } from './requester-mails';

export interface Letter {
  person: Person;
  content: MailContent;
}

type Transition = Pick<RequestTransitioned, 'request' | 'events'>;

/** Who did this themselves knows. */
const toldToOthersOnly = new Set(['request.returned', 'request.canceled']);

/** Whom an event is told to by mail, each person once. */
export const lettersOf = (
  transition: Transition,
  event: TransitionEvent,
  payload: unknown,
  publicUrl: string,
): Letter[] => {
  const { request } = transition;
  const occasion: MailOccasion = { request, event, payload, publicUrl };
  const isBy = ({ id }: Person) => event.actor.type === 'user' && event.actor.id === id;
  switch (event.type) {
    case 'stage.notified': {
      const stage = request.stages.find(({ key }) => key === event.data.stageKey) ?? null;
      return distinct(peopleIn(event, 'people')).map((person) => ({
        person,
        content: forYourInformation(occasion, stage, person),
      }));
    }
    case 'request.commented': {
      const asked = request.stages
        .flatMap(({ tasks }) => tasks)
        .filter(({ state }) => state === 'open')
        .map(({ assignee }) => assignee);
      return distinct([request.requester, ...asked])
        .filter((person) => !isBy(person))
        .map((person) => ({ person, content: commented(occasion, person) }));
    }
  }

  const placed = placedTask(transition, event);
  if (placed) return taskLetters(transition, occasion, placed, isBy);

  const outcome = Object.hasOwn(outcomeMails, event.type) ? outcomeMails[event.type] : undefined;
  if (!outcome || isToldByOverride(transition, event)) return [];
  if (isBy(request.requester) && toldToOthersOnly.has(event.type)) return [];
  return [{ person: request.requester, content: outcome(occasion) }];
};

const taskLetters = (
  transition: Transition,
  occasion: MailOccasion,
  placed: PlacedTask,
  isBy: (person: Person) => boolean,
): Letter[] => {
  const { event, request } = occasion;
  const { assignee, decidedBy } = placed.task;
  const { requester } = request;
  switch (event.type) {
    case 'task.assigned':
      return [{ person: assignee, content: approvalNeeded(occasion, placed) }];
    case 'task.reminded':
      return [{ person: assignee, content: reminder(occasion, placed) }];
    case 'task.reassigned':
      return isBy(assignee) ? [] : [{ person: assignee, content: taskReassigned(occasion, placed) }];
    case 'task.dismissed': {
      const person = decidedBy ?? assignee;
      return [{ person, content: approvalDismissed(occasion, placed, person) }];
    }
    case 'task.overdue': {
      const letter = { person: assignee, content: overdueForApprover(occasion, placed) };
      const alike = eventsAlike(transition, event, placed);
      if (alike[0]?.event !== event || assignee.id === requester.id) return [letter];
      const content = overdueForRequester(occasion, placed, assigneesOf(alike));
      return [letter, { person: requester, content }];
    }
    case 'task.escalated': {
      const alike = eventsAlike(transition, event, placed);
      if (alike[0]?.event !== event) return [];
      const to = distinct(alike.flatMap((one) => peopleIn(one.event, 'to')));
      return [{ person: requester, content: escalated(occasion, placed, to) }];
    }
    case 'task.expired': {
      const alike = eventsAlike(transition, event, placed);
      const isOver = transition.events.some(({ type }) => Object.hasOwn(outcomeMails, type));
      if (alike[0]?.event !== event || isOver) return [];
      return [{ person: requester, content: tasksExpired(occasion, placed, assigneesOf(alike)) }];
    }
    default:
      return [];
  }
};

const placedTask = ({ request }: Transition, { type, taskId }: TransitionEvent): PlacedTask | null => {
  if (!type.startsWith('task.')) return null;
  for (const stage of request.stages) {
    const task = stage.tasks.find(({ id }) => id === taskId);
    if (task) return { stage, task };
  }
  return null;
};

/** What happened to several tasks of a stage at once is told to the requester once, with the first of these. */
const eventsAlike = (transition: Transition, event: TransitionEvent, { stage }: PlacedTask) =>
  transition.events
    .filter(({ type }) => type === event.type)
    .flatMap((one) => {
      const placed = placedTask(transition, one);
      return placed?.stage === stage ? [{ event: one, placed }] : [];
    });

const assigneesOf = (alike: readonly { placed: PlacedTask }[]): Person[] =>
  distinct(alike.map(({ placed }) => placed.task.assignee));

/** An override ends the request as well; one mail says both. */
const isToldByOverride = ({ events }: Transition, { type }: TransitionEvent): boolean =>
  (type === 'request.approved' || type === 'request.rejected') &&
  events.some((event) => event.type === 'request.overridden');
