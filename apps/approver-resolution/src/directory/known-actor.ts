import { Injectable } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { Problem, type Call } from '@countersign/service-kit';
import { refKey } from './directory-ref';
import { matchUsers } from './match-users';

/** Finds the person that a key says it acts for. This service owns the directory, so it need not ask anybody. */
@Injectable()
export class KnownActor {
  constructor(private readonly database: Database) {}

  /** Null when the key acts for itself. Throws Problem unknown_actor unless it names exactly one active person. */
  async find(call: Call): Promise<{ id: string } | null> {
    const { actorRef: ref, workspaceId } = call;
    if (ref === null) return null;
    const matches = await this.database.read(workspaceId, (sql) => matchUsers(sql, [{ workspaceId, ref }]));
    const [found, other] = matches.get(refKey({ workspaceId, ref })) ?? [];
    if (found?.active && !other) return found;
    throw new Problem('unknown_actor', 'Countersign-Actor names nobody who is active in this workspace.');
  }
}
