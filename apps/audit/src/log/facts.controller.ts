import { Controller } from '@nestjs/common';
import type { Fact } from '@countersign/contracts';
import { readErasedRequests } from '@countersign/erasure';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { sealLate } from '../erasures/late-data';
import { AuditLog } from './audit-log';
import { entryOfFact } from './fact-entries';
import { withWorkflows } from './with-workflows';

interface Told {
  workspaceId: string;
  fact: Fact;
}

/** What happens apart from transitions: keys, definitions, the directory, endpoints, and what became of telling people. */
@Controller()
export class FactsController {
  constructor(private readonly log: AuditLog) {}

  @Handles('fact.happened.v1')
  async happened(messages: Message<'fact.happened.v1'>[], tx: Tx): Promise<void> {
    const told = messages.flatMap(({ workspaceId, data }) =>
      data.facts.map((fact): Told => ({ workspaceId, fact })),
    );
    const distinct = [...new Map(told.map((one) => [keyOf(one.workspaceId, one.fact.id), one])).values()];
    const known = await knownEntries(tx, distinct);
    const fresh = distinct.filter(({ workspaceId, fact }) => !known.has(keyOf(workspaceId, fact.id)));
    if (fresh.length === 0) return;
    const entries = await withWorkflows(
      tx,
      fresh.map(({ workspaceId, fact }) => entryOfFact(workspaceId, fact)),
    );
    const erased = await readErasedRequests(
      tx,
      entries.flatMap(({ requestId }) => requestId ?? []),
    );
    await this.log.append(tx, (await sealLate(tx, entries, erased, [])).entries);
  }
}

const keyOf = (workspaceId: string, id: string): string => `${workspaceId} ${id}`;

const knownEntries = async (sql: Sql, told: readonly Told[]): Promise<Set<string>> => {
  const rows = await sql.query<{ workspace_id: string; id: string }>(
    // Not joined with the facts: of those PostgreSQL expects so many that it would read the whole log instead of its index.
    `SELECT workspace_id, id FROM entry WHERE workspace_id = ANY ($1::uuid[]) AND id = ANY ($2::uuid[])`,
    [[...new Set(told.map(({ workspaceId }) => workspaceId))], told.map(({ fact }) => fact.id)],
  );
  return new Set(rows.map(({ workspace_id, id }) => keyOf(workspace_id, id)));
};
