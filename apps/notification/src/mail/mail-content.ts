import type {
  Actor,
  Person,
  RequestSnapshot,
  StageSnapshot,
  TaskSnapshot,
  TransitionEvent,
} from '@countersign/contracts';
import {
  formatList,
  formatTime,
  oneLine,
  payloadLines,
  shorten,
  type PayloadLine,
  type Reader,
} from '@countersign/reader';
import type { MailTexts } from './texts';

/** What a mail says, before it is text or HTML. */
export interface MailContent {
  subject: string;
  greeting: string;
  sentences: string[];
  facts: Fact[];
  /** The payload in short; empty when there is nothing to show. */
  summary: PayloadLine[];
  /** Who has decided so far, and what they said. */
  decisions: string[];
  /** Where to decide; null where there is nothing to decide, or not by link. */
  decide: { url: string; hint: string } | null;
  links: Fact[];
}

/** The same of a mail that is held, for the digest that it may become a part of. */
export interface HeldContent extends MailContent {
  isQuestion: boolean;
}

export type Fact = [label: string, value: string];

/** What happened, as mails are written from it. */
export interface Happening {
  request: RequestSnapshot;
  event: TransitionEvent;
  payload: unknown;
  publicUrl: string;
}

/** The same, for one person. */
export interface MailOccasion extends Happening {
  reader: Reader;
  texts: MailTexts;
  /** To decide with. */
  link: { id: string; expiresAt: string } | null;
}

/** A task with the stage that it is in. */
export interface PlacedTask {
  stage: StageSnapshot;
  task: TaskSnapshot;
}

const longestText = 2_000;

/** On one line, so that it begins no line of its own in a text. */
export const nameOf = (person: Person): string => oneLine(person.displayName) || oneLine(person.userName);

/** Of more people than this the others are counted. */
const mostNames = 10;

export const namesOf = (people: readonly Person[], { texts, reader }: MailOccasion): string => {
  const others = people.length > mostNames + 1 ? people.length - mostNames : 0;
  const names = [
    ...people.slice(0, people.length - others).map(nameOf),
    ...(others > 0 ? [texts.others(others)] : []),
  ];
  return names.length > 0 ? formatList(names, reader.language) : texts.nobody;
};

const contactOf = (person: Person): string =>
  person.email ? `${nameOf(person)} (${person.email})` : nameOf(person);

export const greet = (person: Person, { texts }: MailOccasion): string => texts.hello(nameOf(person));

/** One fact, or none when there is nothing to say. */
export const fact = (label: string, value: string | null | undefined): Fact[] =>
  value ? [[label, shorten(value, longestText)]] : [];

export const dueFact = (dueAt: string | null, { texts, reader }: MailOccasion): Fact[] =>
  fact(texts.labels.due, dueAt && formatTime(dueAt, reader));

export const requestFacts = ({ request, texts: { labels, version } }: MailOccasion): Fact[] => [
  [labels.title, request.title],
  ...fact(labels.reason, request.reason),
  [labels.requester, contactOf(request.requester)],
  [labels.workflow, version(request.workflow.key, request.workflow.version)],
  ...fact(labels.reference, request.externalRef),
];

export const stageFact = ({ request, texts }: MailOccasion, stage: StageSnapshot): Fact => [
  texts.labels.stage,
  texts.stageOf(stage.title, stage.index + 1, request.totalStages),
];

export const summaryOf = ({ payload, reader }: MailOccasion): PayloadLine[] => payloadLines(payload, reader);

/** What has been decided, with what was said; the newest when there are many. */
const mostDecisions = 20;
const longestSaid = 500;
export const decisionsOf = ({ request, texts, reader }: MailOccasion): string[] =>
  request.stages
    .flatMap((stage) => stage.tasks.map((task) => ({ stage, task })))
    .filter(({ task }) => task.decidedBy !== null && task.decidedAt !== null)
    .sort((a, b) => ((a.task.decidedAt ?? '') < (b.task.decidedAt ?? '') ? -1 : 1))
    .slice(-mostDecisions)
    .map(({ stage, task }) => {
      const name = task.decidedBy ? nameOf(task.decidedBy) : '';
      const what = texts.decisionOf(stage.title, name, task.state, formatTime(task.decidedAt ?? '', reader));
      return [
        what,
        ...(task.reasonCode ? [task.reasonCode] : []),
        ...(task.comment ? [shorten(task.comment, longestSaid)] : []),
      ].join(' – ');
    });

export const taskLink = ({ publicUrl, texts }: MailOccasion, task: TaskSnapshot): Fact => [
  texts.taskLink,
  `${publicUrl}/v1/tasks/${task.id}`,
];

export const requestLink = ({ publicUrl, request, texts }: MailOccasion): Fact => [
  texts.requestLink,
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
