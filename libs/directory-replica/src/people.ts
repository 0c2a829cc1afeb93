import { isUuid, type ConsumerService, type DirectoryPerson, type FoundGroup } from '@countersign/contracts';
import type { Cause, UnitOfWork } from '@countersign/messaging';
import type { Database, Sql } from '@countersign/persistence';
import { Problem, type Call } from '@countersign/service-kit';
import { v7 } from 'uuid';

/** How long a caller waits for the directory's answer (architecture §1), and how often it looks. */
const patienceMs = 2_000;
const lookMs = 25;

/** Whom the copy has had for some refs a moment ago: everybody who matches, by ref. */
export type Sightings = ReadonlyMap<string, DirectoryPerson[]>;

/** People by ref in this service's copy, one row per match. */
const matches = async (sql: Sql, workspaceId: string, ref: string): Promise<DirectoryPerson[]> => {
  const rows = await sql.query<{ person: DirectoryPerson }>(
    `SELECT person FROM person
      WHERE workspace_id = $1 AND person IS NOT NULL AND (user_name = $4 OR external_id = $2 OR id = $3)`,
    [workspaceId, ref, isUuid(ref) ? ref : null, ref.toLowerCase()],
  );
  return rows.map((row) => row.person);
};

/**
 * The service's copy of the directory. What it lacks it asks the directory for, so that a user is known in the
 * very next call after its creation; that somebody is not known is never remembered.
 */
export class People {
  constructor(
    private readonly service: ConsumerService,
    private readonly database: Database,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /** Looks for people in a transaction that has other things to read too; `find` and `actor` take what it saw. */
  async look(sql: Sql, workspaceId: string, refs: readonly (string | null)[]): Promise<Sightings> {
    const wanted = [...new Set(refs)].filter((ref) => ref !== null);
    const people = await Promise.all(wanted.map((ref) => matches(sql, workspaceId, ref)));
    return new Map(wanted.map((ref, index) => [ref, people[index] ?? []]));
  }

  /**
   * The person that a ref names: id, externalId or userName (case-insensitive). Null when there is none or more
   * than one. Throws Problem unavailable when the copy has none and the directory does not answer within 2 s.
   */
  async find(
    workspaceId: string,
    ref: string,
    cause: Cause,
    seen?: Sightings,
  ): Promise<DirectoryPerson | null> {
    const look = () => this.database.read(workspaceId, (sql) => matches(sql, workspaceId, ref));
    const known = seen?.get(ref) ?? (await look());
    // Somebody inactive may have become active, or the name may have passed to somebody else: the owner knows.
    const active = known.filter((person) => person.active);
    if (active.length > 0) return known.length === 1 ? (known[0] ?? null) : null;
    try {
      await this.ask(workspaceId, { refs: [ref] }, cause);
    } catch (error) {
      // Known as inactive is better than not knowing.
      if (known.length !== 1 || !(error instanceof Problem)) throw error;
    }
    const found = await look();
    return found.length === 1 ? (found[0] ?? null) : null;
  }

  /**
   * Id of whom a filter asks for; null when the ref names nobody. What is an id stands for itself, be it of a key or of somebody who has
   * left: what they did is still to be found. Throws Problem unavailable as `find` does, but not for an id.
   */
  async idOf(call: Call, ref: string): Promise<string | null> {
    const id = isUuid(ref) ? ref.toLowerCase() : null;
    const person = await this.find(call.workspaceId, ref, call.cause).catch((error: unknown) => {
      if (id !== null && error instanceof Problem) return null;
      throw error;
    });
    return person?.id ?? id;
  }

  /** The person that the key acts for; null when it acts for itself. Throws Problem unknown_actor. */
  async actor(call: Call, seen?: Sightings): Promise<DirectoryPerson | null> {
    if (call.actorRef === null) return null;
    const person = await this.find(call.workspaceId, call.actorRef, call.cause, seen);
    if (!person?.active)
      throw new Problem('unknown_actor', 'Countersign-Actor names nobody who is active in this workspace.');
    return person;
  }

  /**
   * The group that a ref names: id, externalId or displayName, as the directory knows it now. Null when there is none or more
   * than one. Throws Problem unavailable when the directory does not answer within 2 s.
   */
  async group(workspaceId: string, ref: string, cause: Cause): Promise<FoundGroup | null> {
    const found = await this.ask(workspaceId, { refs: [], groups: [ref] }, cause);
    return found.find((group) => group.ref === ref) ?? null;
  }

  private async ask(
    workspaceId: string,
    wanted: { refs: string[]; groups?: string[] },
    cause: Cause,
  ): Promise<FoundGroup[]> {
    const questionId = v7();
    await this.unitOfWork([workspaceId], async (tx) => {
      await tx.query('INSERT INTO directory_question (id, workspace_id) VALUES ($1, $2)', [
        questionId,
        workspaceId,
      ]);
      tx.publish({
        type: 'directory.find.v1',
        workspaceId,
        cause,
        data: { questionId, asker: this.service, ...wanted },
      });
    });
    const giveUpAt = Date.now() + patienceMs;
    while (Date.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      // The answer removes the question, in the transaction that stores the people, or is kept with it.
      const [open] = await this.database.read(workspaceId, (sql) =>
        sql.query<{ answer: FoundGroup[] | null }>('SELECT answer FROM directory_question WHERE id = $1', [
          questionId,
        ]),
      );
      if (!open) return [];
      // What is fetched is forgotten with the questions that nobody answered.
      if (open.answer) return open.answer;
    }
    throw new Problem('unavailable', 'The directory does not answer right now. Try again.', {
      headers: { 'retry-after': '1' },
    });
  }
}
