import type { Person, RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import {
  approvalDismissed,
  approvalNeeded,
  decidedForYou,
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

interface PlacedEvent {
  event: TransitionEvent;
  placed: PlacedTask;
}

/** Who did this themselves knows. */
const toldToOthersOnly = new Set(['request.returned', 'request.canceled']);

/** Whom each event of a transition is told to by mail, each person once. */
export const lettersOf = (
  transition: Transition,
  payload: unknown,
  publicUrl: string,
): { event: TransitionEvent; letters: Letter[] }[] => {
  const { request, events } = transition;
  const tasks = new TaskEvents(transition);
  return events.map((event) => ({
    event,
    letters: eventLetters(transition, { request, event, payload, publicUrl }, tasks),
  }));
};

const eventLetters = (transition: Transition, occasion: MailOccasion, tasks: TaskEvents): Letter[] => {
  const { request, event } = occasion;
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

  const placed = tasks.placeOf(event);
  if (placed) return taskLetters(transition, occasion, placed, tasks, isBy);

  const outcome = Object.hasOwn(outcomeMails, event.type) ? outcomeMails[event.type] : undefined;
  if (!outcome || isToldByOverride(transition, event)) return [];
  if (isBy(request.requester) && toldToOthersOnly.has(event.type)) return [];
  return [{ person: request.requester, content: outcome(occasion) }];
};

const taskLetters = (
  transition: Transition,
  occasion: MailOccasion,
  placed: PlacedTask,
  tasks: TaskEvents,
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
    case 'task.decided': {
      const { onBehalfOf } = placed.task;
      if (!onBehalfOf || onBehalfOf.id === decidedBy?.id) return [];
      return [{ person: onBehalfOf, content: decidedForYou(occasion, placed, onBehalfOf) }];
    }
    case 'task.dismissed': {
      const person = decidedBy ?? assignee;
      return [{ person, content: approvalDismissed(occasion, placed, person) }];
    }
    case 'task.overdue': {
      const letter = { person: assignee, content: overdueForApprover(occasion, placed) };
      const alike = tasks.alike(event, placed);
      if (alike[0]?.event !== event || assignee.id === requester.id) return [letter];
      const content = overdueForRequester(occasion, placed, assigneesOf(alike));
      return [letter, { person: requester, content }];
    }
    case 'task.escalated': {
      const alike = tasks.alike(event, placed);
      if (alike[0]?.event !== event) return [];
      const to = distinct(alike.flatMap((one) => peopleIn(one.event, 'to')));
      return [{ person: requester, content: escalated(occasion, placed, to) }];
    }
    case 'task.expired': {
      const alike = tasks.alike(event, placed);
      const isOver = transition.events.some(({ type }) => Object.hasOwn(outcomeMails, type));
      if (alike[0]?.event !== event || isOver) return [];
      return [{ person: requester, content: tasksExpired(occasion, placed, assigneesOf(alike)) }];
    }
    default:
      return [];
  }
};

/** The tasks that a transition's events are about, looked up once for all of them. */
class TaskEvents {
  private readonly places: ReadonlyMap<string, PlacedTask>;
  private readonly byTypeAndStage = new Map<string, PlacedEvent[]>();

  constructor({ request, events }: Transition) {
    this.places = new Map(
      request.stages.flatMap((stage) => stage.tasks.map((task) => [task.id, { stage, task }] as const)),
    );
    for (const event of events) {
      const placed = this.placeOf(event);
      if (!placed) continue;
      const alike = this.alike(event, placed);
      if (alike.push({ event, placed }) === 1) this.byTypeAndStage.set(nameOfKind(event, placed), alike);
    }
  }

  placeOf({ type, taskId }: TransitionEvent): PlacedTask | null {
    return (type.startsWith('task.') && taskId !== null && this.places.get(taskId)) || null;
  }

  /** What happened to several tasks of a stage at once is told to the requester once, with the first of these. */
  alike(event: TransitionEvent, placed: PlacedTask): PlacedEvent[] {
    return this.byTypeAndStage.get(nameOfKind(event, placed)) ?? [];
  }
}

const nameOfKind = ({ type }: TransitionEvent, { stage }: PlacedTask): string => `${type} ${stage.index}`;

const assigneesOf = (alike: readonly { placed: PlacedTask }[]): Person[] =>
  distinct(alike.map(({ placed }) => placed.task.assignee));

/** An override ends the request as well; one mail says both. */
const isToldByOverride = ({ events }: Transition, { type }: TransitionEvent): boolean =>
  (type === 'request.approved' || type === 'request.rejected') &&
  events.some((event) => event.type === 'request.overridden');
