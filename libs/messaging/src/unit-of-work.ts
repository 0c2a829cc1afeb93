import { catalogue, type ServiceName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { Tx } from './message';
import { outboxStatement, type WrittenMessage } from './outbox.store';
import type { Relay } from './relay';
import { checkData } from './validation';

/**
 * The only way to change anything: one transaction with the effect, the inbox or idempotency row, and the
 * outgoing messages, which the relay gets after the commit and not before.
 */
export class PostgresUnitOfWork {
  constructor(
    private readonly database: Database,
    private readonly relay: Relay,
    private readonly source: ServiceName,
  ) {}

  run = async <T>(workspaceIds: readonly string[], work: (tx: Tx) => Promise<T>): Promise<T> => {
    const outgoing: WrittenMessage[] = [];
    const afterwards: (() => void)[] = [];
    const result = await this.database.transaction(
      workspaceIds,
      (sql) =>
        work({
          ...sql,
          publish: ({ type, workspaceId, data, cause, to, patienceMs = 0 }) => {
            checkData(type, data);
            const envelope = {
              id: v7(),
              type,
              source: this.source,
              occurredAt: new Date().toISOString(),
              workspaceId,
              ...cause,
              data,
            };
            const json = JSON.stringify(envelope);
            outgoing.push({
              envelope,
              json,
              bytes: Buffer.byteLength(json),
              queues: to ?? catalogue[type].queues,
              patienceMs,
            });
          },
          afterCommit: (callback) => void afterwards.push(callback),
        }),
      () => (outgoing.length > 0 ? outboxStatement(outgoing) : null),
    );
    this.relay.offer(outgoing);
    for (const callback of afterwards) callback();
    return result;
  };
}
