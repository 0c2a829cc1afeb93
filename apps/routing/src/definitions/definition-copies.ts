import { Injectable } from '@nestjs/common';
import type { Sql } from '@countersign/persistence';
import { compileDefinition, type CompiledDefinition, type WorkflowDefinition } from '@countersign/workflow';

/** Which version of a workflow a request runs on. */
export interface DefinitionRef {
  workspaceId: string;
  workflowId: string;
  version: number;
}

/** Compiled definitions kept in memory; a version never changes, so they are only ever dropped for room. */
const mostCompiled = 500;

const keyOf = ({ workspaceId, workflowId, version }: DefinitionRef): string =>
  `${workspaceId} ${workflowId} ${version}`;

/** Routing's immutable copies of published versions. */
@Injectable()
export class DefinitionCopies {
  private readonly compiled = new Map<string, CompiledDefinition>();

  async store(
    sql: Sql,
    copies: readonly (DefinitionRef & { key: string; definition: unknown })[],
  ): Promise<void> {
    await sql.query(
      `INSERT INTO definition (workspace_id, workflow_id, version, key, definition)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::json[]) ON CONFLICT DO NOTHING`,
      [
        copies.map(({ workspaceId }) => workspaceId),
        copies.map(({ workflowId }) => workflowId),
        copies.map(({ version }) => version),
        copies.map(({ key }) => key),
        copies.map(({ definition }) => JSON.stringify(definition)),
      ],
    );
  }

  /** Compiled definitions of these versions; one that has not arrived yet is missing from the answer. */
  async load(
    sql: Sql,
    refs: readonly DefinitionRef[],
  ): Promise<(ref: DefinitionRef) => CompiledDefinition | undefined> {
    const wanted = new Map(refs.map((ref) => [keyOf(ref), ref]));
    const found = new Map([...wanted.keys()].map((key) => [key, this.compiled.get(key)]));
    const missing = [...wanted.values()].filter((ref) => !found.get(keyOf(ref)));
    if (missing.length > 0) {
      const rows = await sql.query<{
        workspace_id: string;
        workflow_id: string;
        version: number;
        definition: WorkflowDefinition;
      }>(
        `SELECT d.workspace_id, d.workflow_id, d.version, d.definition
           FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS wanted (workspace_id, workflow_id, version)
           JOIN definition d USING (workspace_id, workflow_id, version)`,
        [
          missing.map((ref) => ref.workspaceId),
          missing.map((ref) => ref.workflowId),
          missing.map((ref) => ref.version),
        ],
      );
      if (this.compiled.size + rows.length > mostCompiled) this.compiled.clear();
      for (const row of rows) {
        const ref = { workspaceId: row.workspace_id, workflowId: row.workflow_id, version: row.version };
        const compiled = compileDefinition(row.definition);
        this.compiled.set(keyOf(ref), compiled);
        found.set(keyOf(ref), compiled);
      }
    }
    return (ref) => found.get(keyOf(ref)) ?? this.compiled.get(keyOf(ref));
  }
}
