import type {
  Actor,
  Person,
  RequestSnapshot,
  StageSnapshot,
  TaskSnapshot,
  TransitionEvent,
} from '@countersign/contracts';

/** What a mail says, before it is text or HTML. */
export interface MailContent {
  subject: string;
  greeting: string;
  sentences: string[];
  facts: Fact[];
  /** The payload in short; empty when there is nothing to show. */
  summary: [path: string, value: string][];
  links: [label: string, url: string][];
}

export type Fact = [label: string, value: string];

/** What mails are written from. */
export interface MailOccasion {
  request: RequestSnapshot;
  event: TransitionEvent;
  payload: unknown;
  publicUrl: string;
}

/** A task with the stage that it is in. */
export interface PlacedTask {
  stage: StageSnapshot;
  task: TaskSnapshot;
}

const longestText = 2_000;

export const nameOf = (person: Person): string => person.displayName || person.userName;

/** Of more people than this the others are counted. */
const mostNames = 10;

export const namesOf = (people: readonly Person[]): string => {
  const others = people.length > mostNames + 1 ? people.length - mostNames : 0;
  const names = [
    ...people.slice(0, people.length - others).map(nameOf),
    ...(others > 0 ? [`${others} others`] : []),
  ];
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : (names[0] ?? 'nobody');
};

const contactOf = (person: Person): string =>
  person.email ? `${nameOf(person)} (${person.email})` : nameOf(person);

const cut = (text: string): string => (text.length > longestText ? `${text.slice(0, longestText)}…` : text);

/** RFC 3339 in UTC, to the minute: `2026-11-21 09:00 UTC`. */
const timeOf = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

export const greet = (person: Person): string => `Hello ${nameOf(person)},`;

/** One fact, or none when there is nothing to say. */
export const fact = (label: string, value: string | null | undefined): Fact[] =>
  value ? [[label, cut(value)]] : [];

export const dueFact = (dueAt: string | null): Fact[] => fact('Due', dueAt && timeOf(dueAt));

export const requestFacts = (request: RequestSnapshot): Fact[] => [
  ['Title', request.title],
  ...fact('Reason', request.reason),
  ['Requester', contactOf(request.requester)],
  ['Workflow', `${request.workflow.key} (version ${request.workflow.version})`],
  ...fact('Reference', request.externalRef),
];

export const stageFact = (request: RequestSnapshot, stage: StageSnapshot): Fact => [
  'Stage',
  `${stage.title} (${stage.index + 1} of ${request.totalStages})`,
];

export const taskLink = ({ publicUrl }: MailOccasion, task: TaskSnapshot): Fact => [
  'The task',
  `${publicUrl}/v1/tasks/${task.id}`,
];

export const requestLink = ({ publicUrl, request }: MailOccasion): Fact => [
  'The request',
  `${publicUrl}/v1/requests/${request.id}`,
];

/** Text in an event; null when there is none. */
export const textIn = ({ data }: TransitionEvent, name: string): string | null => {
  const value = data[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

const isPerson = (value: unknown): value is Person =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  typeof value.id === 'string' &&
  'userName' in value &&
  typeof value.userName === 'string' &&
  'displayName' in value &&
  typeof value.displayName === 'string';

/** The person or the people of an event. */
export const peopleIn = ({ data }: TransitionEvent, name: string): Person[] => {
  const value = data[name];
  return (Array.isArray(value) ? (value as unknown[]) : [value])
    .filter(isPerson)
    .map((person) => ({ ...person, email: person.email ?? null }));
};

/** Each person once. */
export const distinct = (people: readonly Person[]): Person[] => [
  ...new Map(people.map((person) => [person.id, person])).values(),
];

/** What somebody is called who did something to a request; null for a key, the clock and strangers to the request. */
export const nameOfActor = (request: RequestSnapshot, { type, id }: Actor): string | null => {
  if (type !== 'user') return null;
  const known = [
    request.requester,
    ...request.stages.flatMap(({ tasks }) =>
      tasks.flatMap(({ assignee, onBehalfOf, decidedBy }) => [assignee, onBehalfOf, decidedBy]),
    ),
  ].find((person) => person?.id === id);
  return known ? nameOf(known) : null;
};
