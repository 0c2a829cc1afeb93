import { Inject, Injectable } from '@nestjs/common';
import type { FactContents } from '@countersign/contracts';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import { isDeadlock } from '@countersign/persistence';
import { Idempotency, recordFacts, UNIT_OF_WORK, type Answer, type Call } from '@countersign/service-kit';
import type { DirectoryChange } from '../directory/directory-change';
import { KnownActor } from '../directory/known-actor';
import { lockDirectory, withDirectoryLock, type DirectoryLock } from '../directory/lock-directory';
import { tellOfChange } from '../directory/tell-of-change';
import { DirectoryTurns, tooBusy } from './directory-turns';
import { isStatementTimeout } from './statement-timeout';

/** A transaction that holds a lock on a workspace's directory. */
export interface DirectoryWork {
  tx: Tx;
  workspaceId: string;
  lock: DirectoryLock;
}

/** What a write has done, and how to answer it once everybody has been told. */
export interface Written {
  /** What the log says that it was. */
  operation: FactContents['directory.changed']['operation'];
  /** `nothing` itself when nothing at all has changed. */
  change: DirectoryChange;
  answer: () => Answer | Promise<Answer>;
}

export type DirectoryWrite = (work: DirectoryWork) => Promise<Written>;

/** How often a victim of a deadlock goes again. */
const mostAttempts = 3;
/** A change waits for those before it for so long; the front door waits for twice as long. */
const patienceMs = 30_000;

/**
 * The one way to change the directory: PUT, PATCH, DELETE, POST and bulk alike lock it, and tell the other services of
 * everybody for whom something changed in the same transaction, and the log of who did it. Each is a version of the directory.
 */
@Injectable()
export class DirectoryWrites {
  private readonly turns = new DirectoryTurns(patienceMs);

  constructor(
    private readonly idempotency: Idempotency,
    private readonly actor: KnownActor,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  /** For POST, which has an Idempotency-Key. */
  async once(call: Call, write: DirectoryWrite, lock?: DirectoryLock): Promise<Answer> {
    const person = await this.actor.find(call);
    return this.idempotency.inTurn(call, () =>
      this.attempt(call, lock, (held) =>
        this.idempotency.run(call, (tx) => this.write(call, person, tx, held, write)),
      ),
    );
  }

  async run(call: Call, write: DirectoryWrite): Promise<Answer> {
    const person = await this.actor.find(call);
    return this.attempt(call, undefined, (held) =>
      this.unitOfWork([call.workspaceId], (tx) => this.write(call, person, tx, held, write)),
    );
  }

  private async attempt(
    { workspaceId }: Call,
    lock: DirectoryLock | undefined,
    run: (lock: DirectoryLock) => Promise<Answer>,
  ): Promise<Answer> {
    const inTurn = (held: DirectoryLock) => this.turns.take(workspaceId, held, () => run(held));
    for (let attempt = 1; ; attempt++) {
      try {
        return await (lock ? inTurn(lock) : withDirectoryLock(inTurn));
      } catch (error) {
        if (!isDeadlock(error) || attempt === mostAttempts) throw error;
      }
    }
  }

  private async write(
    call: Call,
    person: { id: string } | null,
    tx: Tx,
    lock: DirectoryLock,
    write: DirectoryWrite,
  ): Promise<Answer> {
    await lockDirectory(tx, call.workspaceId, lock).catch((error: unknown) => {
      throw isStatementTimeout(error) ? tooBusy() : error;
    });
    const { operation, change, answer } = await write({ tx, workspaceId: call.workspaceId, lock });
    await tellOfChange(tx, call.workspaceId, call.cause, operation, change, (facts) =>
      recordFacts(tx, call, person, facts),
    );
    return answer();
  }
}
