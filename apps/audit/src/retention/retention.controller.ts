import { Controller, Get, Inject, Put } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { Database, type Sql } from '@countersign/persistence';
import {
  allowWorkflows,
  Call,
  Caller,
  callingActor,
  ok,
  Operation,
  Problem,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import { Allow } from 'class-validator';
import { factOfCall } from '../log/fact';
import { AuditLog } from '../log/audit-log';
import { readPruned } from './pruned';
import { RetentionSweeper } from './retention-sweeper';
import { checkRetention, shortestDays } from './retention';

class RetentionBody {
  /** ISO 8601 duration of 30 days or more, such as P7Y; null: for ever. */
  @Allow() default: string | null;
  /** By key of the workflow, where it is another; null: for ever. */
  @Allow() workflows: Record<string, string | null>;
}

const duration = {
  type: ['string', 'null'],
  description: `ISO 8601, ${shortestDays} days or more; null: for ever`,
};
const schema = {
  type: 'object',
  required: ['default', 'workflows', 'version', 'pruned'],
  properties: {
    default: duration,
    workflows: { type: 'object', additionalProperties: duration },
    version: { type: 'integer' },
    pruned: {
      type: ['object', 'null'],
      description: 'What is gone from the log: entries before this index',
      properties: { before: { type: 'integer' }, at: { type: 'string', format: 'date-time' } },
    },
  },
};

interface Row extends Record<string, unknown> {
  keep: string | null;
  workflows: Record<string, string | null>;
  version: number;
}

const read = async (sql: Sql, workspaceId: string) => {
  const [[row], pruned] = await Promise.all([
    sql.query<Row>('SELECT keep, workflows, version FROM retention WHERE workspace_id = $1', [workspaceId]),
    readPruned(sql, workspaceId, null),
  ]);
  return {
    default: row?.keep ?? null,
    workflows: row?.workflows ?? {},
    version: row?.version ?? 0,
    pruned,
  };
};

/** How long the trail, and what requests say, is kept. */
@Controller('v1/audit/retention')
export class RetentionController {
  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly people: People,
    private readonly log: AuditLog,
    private readonly sweeper: RetentionSweeper,
  ) {}

  @Get()
  @Operation({
    scope: 'audit:read',
    summary: 'How long what is kept',
    answers: { 200: { description: 'Of the workspace, and of workflows that differ', schema } },
  })
  async read(@Caller() call: Call): Promise<Answer> {
    allowWorkflows(call, null, 'Retention');
    return ok(await this.database.read(call.workspaceId, (sql) => read(sql, call.workspaceId)));
  }

  @Put()
  @Operation({
    scope: 'admin',
    trail: 'retention.changed',
    summary: 'Change how long what is kept; what is older goes, unless a legal hold covers it',
    body: RetentionBody,
    answers: { 200: { description: 'As it is now', schema } },
  })
  async change(@Caller() call: Call): Promise<Answer> {
    const body = await call.body(RetentionBody);
    const retention = checkRetention(body.default, body.workflows);
    allowWorkflows(call, null, 'Retention');
    const actor = callingActor(call, await this.people.actor(call));
    const expected = call.expectedVersion;
    const after = await this.unitOfWork([call.workspaceId], async (tx) => {
      const rows = await tx.query(
        `INSERT INTO retention (workspace_id, keep, workflows, version, due_at)
         SELECT $1::uuid, $2, $3::jsonb, 1, now() WHERE $4::int IS NULL OR $4 = 0 OR EXISTS (SELECT FROM retention WHERE workspace_id = $1)
         ON CONFLICT (workspace_id) DO UPDATE
            SET keep = excluded.keep, workflows = excluded.workflows, version = retention.version + 1, cursor = -1, due_at = now()
          WHERE $4::int IS NULL OR retention.version = $4 RETURNING 1`,
        [call.workspaceId, retention.default, JSON.stringify(retention.workflows), expected],
      );
      if (rows.length === 0) throw new Problem('version_mismatch', 'The retention has changed since.');
      // What a sweep has found by the retention before, and nobody has begun with.
      await tx.query(
        `DELETE FROM erasure_request WHERE state = 'ready' AND erasure_id = (SELECT erasure_id FROM retention WHERE workspace_id = $1)`,
        [call.workspaceId],
      );
      await this.log.append(tx, [
        factOfCall(call, actor, {
          type: 'retention.changed',
          content: { ...retention },
        }),
      ]);
      tx.afterCommit(() => this.sweeper.wake());
      return read(tx, call.workspaceId);
    });
    return ok(after);
  }
}
