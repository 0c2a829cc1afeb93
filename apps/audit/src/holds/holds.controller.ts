import { Controller, Delete, Get, Inject, Post } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  allowWorkflows,
  Call,
  Caller,
  callingActor,
  created,
  decodeCursor,
  Idempotency,
  idPosition,
  noContent,
  ok,
  Operation,
  PageQuery,
  pageOf,
  pageSchema,
  PathId,
  Problem,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import { IsNotEmpty, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { v7 } from 'uuid';
import { reasonOf } from '../erasures/erasure-facts';
import { factOfCall } from '../log/fact';
import { ErasureRunner } from '../erasures/erasure-runner';
import { FindSubject } from '../erasures/find-subject';
import { AuditLog } from '../log/audit-log';
import { findHold, holdSchema, listHolds } from './hold.view';

class PlaceHold {
  /** Kept in the trail for whoever wrote it. */
  @IsString() @IsNotEmpty() @MaxLength(2_000) reason: string;
  @IsOptional() @IsUUID() requestId?: string | null;
  /** id, externalId or userName of a user, or the id of somebody who has been deleted. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(320) subject?: string | null;
  /** Key of a workflow. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(200) workflow?: string | null;
}

const list = 'holds';

/** Legal holds: what they cover is neither erased nor pruned until they are released. */
@Controller('v1/audit/holds')
export class HoldsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly people: People,
    private readonly subjects: FindSubject,
    private readonly log: AuditLog,
    private readonly erasures: ErasureRunner,
  ) {}

  @Post()
  @Operation({
    scope: 'admin',
    trail: 'hold.placed',
    summary: 'Place a legal hold on a request, a person, a workflow or the whole workspace',
    body: PlaceHold,
    answers: { 201: { description: 'The hold', schema: holdSchema } },
  })
  async place(@Caller() call: Call): Promise<Answer> {
    const { reason, requestId = null, subject: ref = null, workflow = null } = await call.body(PlaceHold);
    if ([requestId, ref, workflow].filter((value) => value !== null).length > 1)
      throw Problem.invalid([
        { pointer: '', message: 'A hold is of one request, subject or workflow, or of none of them.' },
      ]);
    allowWorkflows(call, workflow === null ? null : [workflow], 'The hold');
    if (requestId !== null && !(await this.has(call, 'request_id = $2::uuid', requestId)))
      throw unknown('requestId', 'request');
    // One that covers nothing because of a slip of the pen would be found out when it is too late.
    if (workflow !== null && !(await this.knowsWorkflow(call, workflow)))
      throw unknown('workflow', 'workflow');
    const subject = ref === null ? null : await this.subjects.find(call, ref);
    const actor = callingActor(call, await this.people.actor(call));
    const kept = subject === null ? reason : await this.subjects.clean(call, subject, reason);
    return this.idempotency.run(call, async (tx) => {
      const id = v7();
      const fact = factOfCall(call, actor, {
        type: 'hold.placed',
        requestId,
        workflowKey: workflow,
        content: { holdId: id, requestId, subject, workflow },
        personal: reasonOf(actor, kept),
      });
      await tx.query(
        `INSERT INTO hold (id, workspace_id, request_id, subject, workflow_key, entry_id, placed_at, placed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [id, call.workspaceId, requestId, subject, workflow, fact.id, fact.at, JSON.stringify(actor)],
      );
      await this.log.append(tx, [fact]);
      const hold = await findHold(tx, call.workspaceId, id);
      return created(`/v1/audit/holds/${id}`, hold);
    });
  }

  @Get()
  @Operation({
    scope: 'audit:read',
    summary: 'Legal holds, newest first, those that were released too',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(holdSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    allowWorkflows(call, null, 'The list of holds');
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(list, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listHolds(sql, call.workspaceId, before, limit),
    );
    return ok(pageOf(list, rows, limit, ({ id }) => id));
  }

  @Get(':id')
  @PathId('id', 'Id of the hold')
  @Operation({
    scope: 'audit:read',
    summary: 'A legal hold',
    answers: { 200: { description: 'The hold', schema: holdSchema } },
  })
  async read(@Caller() call: Call): Promise<Answer> {
    allowWorkflows(call, null, 'The hold');
    const id = call.id('hold');
    const hold = await this.database.read(call.workspaceId, (sql) => findHold(sql, call.workspaceId, id));
    if (!hold) throw Problem.notFound('hold');
    return ok(hold);
  }

  @Delete(':id')
  @PathId('id', 'Id of the hold')
  @Operation({
    scope: 'admin',
    trail: 'hold.released',
    summary: 'Release a legal hold; erasures that it kept go on',
    answers: { 204: { description: 'Released, now or before' } },
  })
  async release(@Caller() call: Call): Promise<Answer> {
    const id = call.id('hold');
    const hold = await this.database.read(call.workspaceId, (sql) => findHold(sql, call.workspaceId, id));
    if (!hold) throw Problem.notFound('hold');
    allowWorkflows(call, hold.workflow === null ? null : [hold.workflow], 'The hold');
    const actor = callingActor(call, await this.people.actor(call));
    await this.unitOfWork([call.workspaceId], async (tx) => {
      const fact = factOfCall(call, actor, {
        type: 'hold.released',
        requestId: hold.requestId,
        workflowKey: hold.workflow,
        content: { holdId: id },
      });
      // In the order in which others lock: retention, erasures, the hold. What it kept has to be looked for in the whole log.
      await tx.query('UPDATE retention SET cursor = -1, due_at = now() WHERE workspace_id = $1', [
        call.workspaceId,
      ]);
      await tx.query(
        `UPDATE erasure SET due_at = now() WHERE id IN
           (SELECT id FROM erasure WHERE workspace_id = $1 AND state = 'held' ORDER BY id FOR UPDATE)`,
        [call.workspaceId],
      );
      const released = await tx.query(
        'UPDATE hold SET released_at = $2, released_by = $3 WHERE id = $1 AND released_at IS NULL RETURNING 1',
        [id, fact.at, JSON.stringify(actor)],
      );
      if (released.length === 0) return;
      await this.log.append(tx, [fact]);
      tx.afterCommit(() => this.erasures.wake());
    });
    return noContent();
  }

  /** What a definition's author did is soon found; where that has been pruned, there are requests. */
  private async knowsWorkflow(call: Call, key: string): Promise<boolean> {
    return (
      (await this.has(
        call,
        `type IN ('workflow.version_added', 'workflow.published') AND workflow_key = $2`,
        key,
      )) || (await this.has(call, 'workflow_key = $2', key))
    );
  }

  /** Whether the log has such an entry. */
  private async has(call: Call, condition: string, value: string): Promise<boolean> {
    const found = await this.database.read(call.workspaceId, (sql) =>
      sql.query(`SELECT 1 FROM entry WHERE workspace_id = $1 AND ${condition} LIMIT 1`, [
        call.workspaceId,
        value,
      ]),
    );
    return found.length > 0;
  }
}

const unknown = (member: string, name: string): Problem =>
  new Problem('unknown_reference', `The ${name} is not known.`, {
    errors: [{ pointer: `/${member}`, message: `The log has nothing about such a ${name}.` }],
  });
