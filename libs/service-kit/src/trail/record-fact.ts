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

/** Something that a call has changed. */
export interface ChangeFact<T extends FactType> {
  type: T;
  content: FactContents[T];
  /** What names people or was written freely; kept for whoever acted, until that is erased. Null and undefined say nothing. */
  words?: Record<string, unknown>;
  /** Default: the call's. */
  workspaceId?: string;
}

/**
 * Puts into the log what a call changes, if and only if the transaction commits.
 * @param person for whom the key acts, null when for itself; in another workspace it is the key that acts, as nobody there knows them
 */
export const recordFact = <T extends FactType>(
  tx: Publishes,
  call: Call,
  person: { id: string } | null,
  { type, content, words = {}, workspaceId = call.workspaceId }: ChangeFact<T>,
): void => {
  const said = Object.entries(words).filter(([, value]) => value !== null && value !== undefined);
  const ofCall: CallContent = { traceId: call.traceId, scheme: call.identity.scheme ?? null };
  publishFacts(tx, workspaceId, call.cause, [
    {
      ...newFact(type, { ...content, ...ofCall }),
      actor: callingActor(call, workspaceId === call.workspaceId ? person : null),
      personal: said.length > 0 ? [{ subject: null, kind: 'words', data: Object.fromEntries(said) }] : [],
    },
  ]);
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

/** A message is not to grow beyond this; an entry of each. */
const mostInMessage = 500;

const publishFacts = (tx: Publishes, workspaceId: string, cause: Cause, facts: readonly Fact[]): void => {
  for (let at = 0; at < facts.length; at += mostInMessage) {
    tx.publish({
      type: 'fact.happened.v1',
      workspaceId,
      cause,
      data: { facts: facts.slice(at, at + mostInMessage) },
    });
  }
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
