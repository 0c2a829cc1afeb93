import { isNamed, isRecord, type Named } from './named';
import { erasedDisplayName, erasedName, wordPattern } from './words';

/** Whose data go from a document. */
export interface Redaction {
  /** User id; null: everybody's. */
  subject: string | null;
  /** The document belongs to a request that the subject has made. What says whose it is itself decides for itself. */
  isRequester: boolean;
  /** What the subject is called: goes from every text, whoever wrote it. */
  names: readonly string[];
  /** Who wrote what is at the top of the document, if that is known: a user id, or null for a key or Countersign. */
  author?: string | null;
}

interface Place {
  /** Of a request that the subject has made. */
  isOwn: boolean;
  /** Written by the subject. */
  isAuthor: boolean;
  /** The member that this is the value of. */
  member: string;
}

/**
 * What is sealed for the requester in the log (docs/adr/0004), by the names that it has in the documents of all services:
 * the words of the request, and what was said about it while it ran.
 */
const ofRequester = new Set([
  'payload',
  'externalRef',
  'metadata',
  'explanation',
  'why',
  'substitution',
  'leftOut',
  'note',
  'changed',
  'answered',
  'url',
  'dueAt',
  'requestTitle',
  'department',
  'region',
]);

/** Where the members of a request, or what somebody said, may stand by themselves. */
const loose = new Set(['', 'data', 'detail', 'words']);
const ofRequesterWhereLoose = new Set(['title', 'reason']);
const ofAuthor = new Set(['comment', 'text', 'reason']);

/**
 * A document (a request as it was, an event, a message, an answer) without somebody's data: their names, what they wrote, and,
 * where the request is theirs, all that it says and that was said about it. Ids, states, codes, numbers and most times stay, and so
 * does the form: who reads it later meets no surprise. Doing it twice is the same as doing it once.
 */
export const redact = <T>(document: T, { subject, isRequester, names, author }: Redaction): T => {
  const pattern = wordPattern(names);
  const isSubject = (id: unknown): boolean => subject === null || id === subject;
  const clean = (text: string): string => {
    if (pattern === null || subject === null) return text;
    pattern.lastIndex = 0;
    return text.replace(pattern, erasedName(subject));
  };

  const walk = (value: unknown, place: Place): unknown => {
    if (typeof value === 'string') return clean(value);
    if (Array.isArray(value)) return value.map((item) => walk(item, place));
    if (!isRecord(value)) return value;
    if (isNamed(value)) return isSubject(value.id) ? erasedPerson(value) : value;
    if (isSealed(value))
      return (value.subject === null ? place.isAuthor : isSubject(value.subject))
        ? { ...value, data: {} }
        : value;
    const own = ownerOf(value);
    const isOwn = own === null ? place.isOwn : isSubject(own);
    const isAuthor = authorIs(value, place.isAuthor, isOwn);
    // A request says whose it is; and members that stand alone are those of the request that they came with.
    const isRequest = own !== null || (isOwn && 'title' in value && loose.has(place.member));
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        const goes =
          (isOwn && ofRequester.has(name)) ||
          (isOwn && isRequest && ofRequesterWhereLoose.has(name)) ||
          (isOwn && name === 'detail' && typeof member === 'string') ||
          (ofAuthor.has(name) && isAuthor && own === null);
        return [
          clean(name),
          goes ? blank(name, member, isRequest) : walk(member, { isOwn, isAuthor, member: name }),
        ];
      }),
    );
  };

  /** Who wrote what this holds: who decided a task, else whose task it is; whoever did what an event tells. */
  const authorIs = (value: Record<string, unknown>, before: boolean, isOwn: boolean): boolean => {
    const decider = 'comment' in value ? (idOf(value.decidedBy) ?? idOf(value.assignee)) : null;
    if (decider !== null) return isSubject(decider);
    const actor = value.actor ?? value.author;
    if (!isRecord(actor) || typeof actor.type !== 'string') return before;
    return actor.type === 'user' ? isSubject(actor.id) : isOwn;
  };

  return walk(document, {
    isOwn: isRequester,
    isAuthor: author === undefined || author === null ? isRequester : isSubject(author),
    member: '',
  }) as T;
};

/** What is to be sealed in the log for somebody; null: for whoever acted. */
const isSealed = (value: Record<string, unknown>): boolean =>
  (value.subject === null || typeof value.subject === 'string') &&
  typeof value.kind === 'string' &&
  'data' in value;

/** The id of the requester, where this is a request; null where it is something else. */
const ownerOf = (value: Record<string, unknown>): string | null =>
  'title' in value ? idOf(value.requester) : null;

const idOf = (value: unknown): string | null =>
  isRecord(value) && typeof value.id === 'string' ? value.id : null;

/** What stands in for a value that goes, of the same kind. */
const blank = (name: string, value: unknown, isRequest: boolean): unknown => {
  if (name === 'title' || name === 'requestTitle' || name === 'detail' || name === 'text')
    return value === null ? null : erasedDisplayName;
  // Why somebody did something must be said; why a request is made need not.
  if (name === 'reason' && !isRequest && typeof value === 'string') return erasedDisplayName;
  if (name === 'metadata') return {};
  if (Array.isArray(value)) return [];
  // A value that may be any JSON travels in an object of its own.
  if (isRecord(value) && Object.keys(value).join() === 'value') return { value: null };
  return null;
};

const erasedPerson = (person: Named): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(person).map(([name, value]) => {
      if (name === 'id') return [name, value];
      if (name === 'userName') return [name, erasedName(person.id)];
      if (name === 'displayName') return [name, erasedDisplayName];
      if (typeof value === 'boolean' || name === 'version') return [name, value];
      return [name, Array.isArray(value) ? [] : null];
    }),
  );
