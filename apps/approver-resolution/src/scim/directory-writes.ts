import { Inject, Injectable } from '@nestjs/common';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import { isDeadlock } from '@countersign/persistence';
import { Idempotency, UNIT_OF_WORK, type Answer, type Call } from '@countersign/service-kit';
import { countChange } from '../directory/directory-version';
import { lockDirectory, withDirectoryLock, type DirectoryLock } from '../directory/lock-directory';
import { publishChange, type PeopleChange } from '../directory/publish-people';
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
  people: PeopleChange;
  answer: () => Answer | Promise<Answer>;
}

export type DirectoryWrite = (work: DirectoryWork) => Promise<Written>;

/** How often a victim of a deadlock goes again. */
const mostAttempts = 3;
/** A change waits for those before it for so long; the front door waits for twice as long. */
const patienceMs = 30_000;

/**
 * The one way to change the directory: PUT, PATCH, DELETE, POST and bulk alike lock it, and tell the other services of
 * everybody for whom something changed in the same transaction. Each is a version of the directory.
 */
@Injectable()
export class DirectoryWrites {
  private readonly turns = new DirectoryTurns(patienceMs);

  constructor(
    private readonly idempotency: Idempotency,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  /** For POST, which has an Idempotency-Key. */
  once(call: Call, write: DirectoryWrite, lock?: DirectoryLock): Promise<Answer> {
    return this.idempotency.inTurn(call, () =>
      this.attempt(call, lock, (held) =>
        this.idempotency.run(call, (tx) => this.write(call, tx, held, write)),
      ),
    );
  }

  run(call: Call, write: DirectoryWrite): Promise<Answer> {
    return this.attempt(call, undefined, (held) =>
      this.unitOfWork([call.workspaceId], (tx) => this.write(call, tx, held, write)),
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

  private async write(call: Call, tx: Tx, lock: DirectoryLock, write: DirectoryWrite): Promise<Answer> {
    await lockDirectory(tx, call.workspaceId, lock).catch((error: unknown) => {
      throw isStatementTimeout(error) ? tooBusy() : error;
    });
    const { people, answer } = await write({ tx, workspaceId: call.workspaceId, lock });
    await publishChange(tx, call.workspaceId, people, call.cause);
    countChange(tx, call.workspaceId);
    return answer();
  }
}
