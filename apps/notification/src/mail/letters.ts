import type { Person, RequestTransitioned, TaskSnapshot, TransitionEvent } from '@countersign/contracts';
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
import {
  escalated,
  outcomeMails,
  overdueForRequester,
  remindedForRequester,
  tasksExpired,
} from './requester-mails';

/** Something that somebody is told. */
export interface Letter {
  person: Person;
  /** The task that it asks them to decide; null for news, which they may do without. */
  task: TaskSnapshot | null;
  /** Worth nothing when it comes with a digest. */
  isUrgent: boolean;
  /** What it says, in the language of its reader. */
  write(occasion: MailOccasion): MailContent;
}

const news = (person: Person, write: Letter['write'], isUrgent = false): Letter => ({
  person,
  task: null,
  isUrgent,
  write,
});

const question = (
  { task, stage }: PlacedTask,
  write: (occasion: MailOccasion, placed: PlacedTask) => MailContent,
  isUrgent = false,
): Letter => ({
  person: task.assignee,
  task,
  isUrgent,
  write: (occasion) => write(occasion, { task, stage }),
});

type Transition = Pick<RequestTransitioned, 'request' | 'events'>;

interface PlacedEvent {
  event: TransitionEvent;
  placed: PlacedTask;
}

/** Who did this themselves knows. */
const toldToOthersOnly = new Set(['request.returned', 'request.canceled']);

/** Who failed, or had no say, is told at once. */
const urgentOutcomes = new Set(['request.failed', 'request.overridden']);

/** Whom each event of a transition is told to, each person once. */
export const lettersOf = (transition: Transition): { event: TransitionEvent; letters: Letter[] }[] => {
  const tasks = new TaskEvents(transition);
  return transition.events.map((event) => ({ event, letters: eventLetters(transition, event, tasks) }));
};

const eventLetters = (transition: Transition, event: TransitionEvent, tasks: TaskEvents): Letter[] => {
  const { request } = transition;
  const isBy = ({ id }: Person) => event.actor.type === 'user' && event.actor.id === id;
  switch (event.type) {
    case 'stage.notified': {
      const stage = request.stages.find(({ key }) => key === event.data.stageKey) ?? null;
      return distinct(peopleIn(event, 'people')).map((person) =>
        news(person, (occasion) => forYourInformation(occasion, stage, person)),
      );
    }
    case 'request.commented': {
      const asked = request.stages
        .flatMap(({ tasks }) => tasks)
        .filter(({ state }) => state === 'open')
        .map(({ assignee }) => assignee);
      return distinct([request.requester, ...asked])
        .filter((person) => !isBy(person))
        .map((person) => news(person, (occasion) => commented(occasion, person)));
    }
  }

  const placed = tasks.placeOf(event);
  if (placed) return taskLetters(transition, event, placed, tasks, isBy);

  const outcome = Object.hasOwn(outcomeMails, event.type) ? outcomeMails[event.type] : undefined;
  if (!outcome || isToldByOverride(transition, event)) return [];
  if (isBy(request.requester) && toldToOthersOnly.has(event.type)) return [];
  return [news(request.requester, outcome, urgentOutcomes.has(event.type))];
};

const taskLetters = (
  transition: Transition,
  event: TransitionEvent,
  placed: PlacedTask,
  tasks: TaskEvents,
  isBy: (person: Person) => boolean,
): Letter[] => {
  const { assignee, decidedBy } = placed.task;
  const { requester } = transition.request;
  const alike = tasks.alike(event, placed);
  /** What happened to several tasks of a stage at once is told to the requester once, with the first of these. */
  const isFirst = alike[0]?.event === event;
  const isRequesters = assignee.id === requester.id;
  switch (event.type) {
    case 'task.assigned':
      return [question(placed, approvalNeeded)];
    case 'task.reminded': {
      const letter = question(placed, reminder);
      if (!isFirst || isRequesters || isBy(requester)) return [letter];
      const people = assigneesOf(alike);
      return [letter, news(requester, (occasion) => remindedForRequester(occasion, placed, people))];
    }
    case 'task.reassigned':
      return isBy(assignee) ? [] : [news(assignee, (occasion) => taskReassigned(occasion, placed))];
    case 'task.decided': {
      const { onBehalfOf } = placed.task;
      if (!onBehalfOf || onBehalfOf.id === decidedBy?.id) return [];
      return [news(onBehalfOf, (occasion) => decidedForYou(occasion, placed, onBehalfOf))];
    }
    case 'task.dismissed': {
      const person = decidedBy ?? assignee;
      return [news(person, (occasion) => approvalDismissed(occasion, placed, person))];
    }
    case 'task.overdue': {
      const letter = question(placed, overdueForApprover, true);
      if (!isFirst || isRequesters) return [letter];
      const people = assigneesOf(alike);
      return [letter, news(requester, (occasion) => overdueForRequester(occasion, placed, people), true)];
    }
    case 'task.escalated': {
      if (!isFirst) return [];
      const to = distinct(alike.flatMap((one) => peopleIn(one.event, 'to')));
      return [news(requester, (occasion) => escalated(occasion, placed, to))];
    }
    case 'task.expired': {
      const isOver = transition.events.some(({ type }) => Object.hasOwn(outcomeMails, type));
      if (!isFirst || isOver) return [];
      const people = assigneesOf(alike);
      return [news(requester, (occasion) => tasksExpired(occasion, placed, people))];
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

  /** The same kind of event of the same stage. */
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
