import { Injectable } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { Problem, type Call } from '@countersign/service-kit';
import { refKey } from './directory-ref';
import { matchUsers } from './match-users';

/** Checks the person that a key says it acts for. This service owns the directory, so it need not ask anybody. */
@Injectable()
export class KnownActor {
  constructor(private readonly database: Database) {}

  /** Throws Problem unknown_actor unless the key acts for itself or for exactly one active person. */
  async check(call: Call): Promise<void> {
    const { actorRef: ref, workspaceId } = call;
    if (ref === null) return;
    const matches = await this.database.read(workspaceId, (sql) => matchUsers(sql, [{ workspaceId, ref }]));
    const found = matches.get(refKey({ workspaceId, ref })) ?? [];
    if (found.length === 1 && found[0]?.active) return;
    throw new Problem('unknown_actor', 'Countersign-Actor names nobody who is active in this workspace.');
  }
}
