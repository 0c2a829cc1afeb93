import { SecretBox } from '@countersign/secret-box';
import { secretKey, type TestService } from '@countersign/service-kit/test';
import pg from 'pg';
import { v7 } from 'uuid';
import { AuditLog } from '../src/log/audit-log';
import type { LogEntry } from '../src/log/log-entry';

export const factOf = (workspaceId: string, more: Partial<LogEntry> = {}): LogEntry => ({
  workspaceId,
  id: v7(),
  type: 'fact.tested',
  at: new Date().toISOString(),
  actor: { type: 'system', id: null, via: null },
  requestId: null,
  requestVersion: null,
  taskId: null,
  workflowKey: null,
  content: { actor: { type: 'system', id: null, via: null } },
  personal: [],
  ...more,
});

/** Appends by the service's own code, a transaction a pack, as many facts as no test could send as messages. */
export const appendFacts = async (
  service: TestService,
  facts: readonly LogEntry[],
  packSize = 1_000,
): Promise<void> => {
  const log = new AuditLog(SecretBox.fromKey(secretKey));
  const client = new pg.Client({ connectionString: service.ownerUrl, options: '-c search_path=audit' });
  await client.connect();
  try {
    for (let from = 0; from < facts.length; from += packSize) {
      await client.query('BEGIN');
      await log.append(
        {
          query: async <R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
            (await client.query<R>(text, values as unknown[])).rows,
        },
        facts.slice(from, from + packSize),
      );
      await client.query('COMMIT');
    }
  } finally {
    await client.end();
  }
};

export const appendMany = (service: TestService, workspaceId: string, count: number): Promise<void> =>
  appendFacts(
    service,
    Array.from({ length: count }, () => factOf(workspaceId)),
  );
