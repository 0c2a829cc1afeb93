import {
  bySystem,
  type Actor,
  type CallContent,
  type Fact,
  type FactContents,
  type FactType,
} from '@countersign/contracts';
import type { Cause, Tx } from '@countersign/messaging';
import { v7 } from 'uuid';
import type { Call } from '../http/call';

type Publishes = Pick<Tx, 'publish'>;

/** Who acts in a call: the person that the key vouches for, or the key itself. */
export const callingActor = ({ identity: { key } }: Call, person: { id: string } | null): Actor =>
  person ? { type: 'user', id: person.id, via: key.id } : { type: 'service', id: key.id, via: null };

/** What an entry says of the call that brought it about, beside who acts. */
export const contentOfCall = ({ traceId, identity }: Call): CallContent => ({
  traceId,
  scheme: identity.scheme ?? null,
});

/** Something that a call has changed. */
export interface ChangeFact<T extends FactType = FactType> {
  type: T;
  content: FactContents[T];
  /** What names people or was written freely; kept for whoever acted, until that is erased. Null and undefined say nothing. */
  words?: Record<string, unknown>;
  /** What else is kept until it is erased, for whom it concerns. */
  personal?: Fact['personal'];
}

/**
 * Puts into the log what a call changes, if and only if the transaction commits.
 * @param person for whom the key acts, null when for itself; in another workspace it is the key that acts, as nobody there knows them
 */
export const recordFact = <T extends FactType>(
  tx: Publishes,
  call: Call,
  person: { id: string } | null,
  {
    workspaceId = call.workspaceId,
    ...fact
  }: ChangeFact<T> & {
    /** Default: the call's. */
    workspaceId?: string;
  },
): void =>
  publishFacts(tx, workspaceId, call.cause, [
    factOfCall(call, workspaceId === call.workspaceId ? person : null, fact),
  ]);

/** The same for a call that changes many things at once. */
export const recordFacts = (
  tx: Publishes,
  call: Call,
  person: { id: string } | null,
  facts: readonly ChangeFact[],
): void =>
  publishFacts(
    tx,
    call.workspaceId,
    call.cause,
    facts.map((fact) => factOfCall(call, person, fact)),
  );

const factOfCall = (
  call: Call,
  person: { id: string } | null,
  { type, content, words = {}, personal = [] }: ChangeFact,
): Fact => {
  const said = Object.entries(words).filter(([, value]) => value !== null && value !== undefined);
  return {
    ...newFact(type, { ...content, ...contentOfCall(call) }),
    actor: callingActor(call, person),
    personal: [
      ...(said.length > 0 ? [{ subject: null, kind: 'words', data: Object.fromEntries(said) }] : []),
      ...personal,
    ],
  };
};

/** Something that nobody called for. */
export interface SystemFact<T extends FactType = FactType> {
  type: T;
  content: FactContents[T];
  requestId?: string | null;
  personal?: Fact['personal'];
}

/** Puts into the log what has come of our own doings, if and only if the transaction commits. */
export const recordSystemFacts = (
  tx: Publishes,
  workspaceId: string,
  cause: Cause,
  facts: readonly SystemFact[],
): void =>
  publishFacts(
    tx,
    workspaceId,
    cause,
    facts.map(({ type, content, requestId = null, personal = [] }) => ({
      ...newFact(type, content),
      requestId,
      personal,
    })),
  );

/** What a message carries: so many facts, of so many bytes of JSON together; a longer one goes alone. */
const mostInMessage = { facts: 500, bytes: 256 * 1024 };

const publishFacts = (tx: Publishes, workspaceId: string, cause: Cause, facts: readonly Fact[]): void => {
  let page: Fact[] = [];
  let bytes = 0;
  const send = () => {
    if (page.length > 0) tx.publish({ type: 'fact.happened.v1', workspaceId, cause, data: { facts: page } });
    [page, bytes] = [[], 0];
  };
  for (const fact of facts) {
    const size = facts.length > 1 ? Buffer.byteLength(JSON.stringify(fact)) : 0;
    if (page.length === mostInMessage.facts || bytes + size > mostInMessage.bytes) send();
    page.push(fact);
    bytes += size;
  }
  send();
};

const newFact = (type: FactType, content: object): Fact => ({
  id: v7(),
  type,
  at: new Date().toISOString(),
  actor: bySystem,
  requestId: null,
  content: content as Record<string, unknown>,
  personal: [],
});
