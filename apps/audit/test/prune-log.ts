import { until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { factOf } from './append-facts';
import type { LogEntry } from '../src/log/log-entry';

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

/** Facts about no request, so old that retention may prune them. */
export const oldFacts = (workspaceId: string, count: number, more: Partial<LogEntry> = {}): LogEntry[] =>
  Array.from({ length: count }, () => factOf(workspaceId, { id: v7(), at: daysAgo(100), ...more }));

/** Has the service prune its log by retention, until its entries begin with an index. */
export const pruneTo = async (service: TestService, workspace: string, before: number): Promise<void> => {
  const kept = await service.call(
    'PUT',
    '/v1/audit/retention',
    { default: 'P30D', workflows: {} },
    { workspace },
  );
  if (kept.status !== 200) throw new Error(kept.text);
  await until(async () => {
    await service.sql('UPDATE retention SET due_at = now() WHERE workspace_id = $1', [workspace]);
    const { body } = await service.get('/v1/audit/retention', { workspace });
    return body.pruned?.before === before;
  }, 30_000);
  // What a test does to the log next is nothing that retention should stumble over.
  await service.sql(`UPDATE retention SET due_at = now() + interval '1 day' WHERE workspace_id = $1`, [
    workspace,
  ]);
};
