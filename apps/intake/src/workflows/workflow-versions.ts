import { Injectable } from '@nestjs/common';
import type { Sql } from '@countersign/persistence';
import { Problem } from '@countersign/service-kit';
import { compileDefinition, type CompiledDefinition, type WorkflowDefinition } from '@countersign/workflow';

/** A version that requests can run on. */
export interface RunnableVersion {
  workflowId: string;
  key: string;
  version: number;
  definition: WorkflowDefinition;
  compiled: CompiledDefinition;
}

/** Compiled versions kept in memory; a version never changes, so they are only ever dropped for room. */
const mostKept = 500;

/** The versions of the workspace's workflows, compiled when needed. */
@Injectable()
export class WorkflowVersions {
  private readonly kept = new Map<string, RunnableVersion>();

  /**
   * The published version of a workflow, or a certain one that is or was published. Which one is published is read
   * each time, so that a publication counts from the next call on. Throws Problem unknown_reference.
   */
  async runnable(sql: Sql, workspaceId: string, key: string, version?: number): Promise<RunnableVersion> {
    const [workflow] = await sql.query<{ id: string; version: number | null }>(
      `SELECT w.id, CASE WHEN $3::int IS NULL THEN w.published_version
                         ELSE (SELECT v.version FROM workflow_version v
                                WHERE v.workflow_id = w.id AND v.version = $3 AND v.state <> 'draft') END AS version
         FROM workflow w WHERE w.workspace_id = $1 AND w.key = $2`,
      [workspaceId, key, version ?? null],
    );
    if (!workflow) throw unknown('/workflow', `There is no workflow ${key}.`);
    if (workflow.version === null) {
      throw version === undefined
        ? unknown('/workflow', `No version of ${key} is published.`)
        : unknown('/workflowVersion', `Version ${version} of ${key} has never been published.`);
    }
    return this.load(sql, workflow.id, key, workflow.version);
  }

  /** The published version, or a certain one, which may be a draft; null when there is none. */
  async find(sql: Sql, workspaceId: string, key: string, version?: number): Promise<RunnableVersion | null> {
    const [found] = await sql.query<{ id: string; version: number }>(
      `SELECT w.id, v.version FROM workflow w
         JOIN workflow_version v ON v.workflow_id = w.id AND v.version = coalesce($3, w.published_version)
        WHERE w.workspace_id = $1 AND w.key = $2`,
      [workspaceId, key, version ?? null],
    );
    return found ? this.load(sql, found.id, key, found.version) : null;
  }

  private async load(sql: Sql, workflowId: string, key: string, version: number): Promise<RunnableVersion> {
    const name = `${workflowId} ${version}`;
    const known = this.kept.get(name);
    if (known) return known;
    const [row] = await sql.query<{ definition: WorkflowDefinition }>(
      'SELECT definition FROM workflow_version WHERE workflow_id = $1 AND version = $2',
      [workflowId, version],
    );
    if (!row) throw new Error(`version ${version} of workflow ${workflowId} is not there`);
    const loaded = {
      workflowId,
      key,
      version,
      definition: row.definition,
      compiled: compileDefinition(row.definition),
    };
    if (this.kept.size >= mostKept) this.kept.clear();
    this.kept.set(name, loaded);
    return loaded;
  }
}

const unknown = (pointer: string, message: string): Problem =>
  new Problem('unknown_reference', message, { errors: [{ pointer, message }] });
