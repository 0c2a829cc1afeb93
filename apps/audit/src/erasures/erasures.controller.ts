import { Controller, Get, Post } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
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
  ok,
  Operation,
  PageQuery,
  pageOf,
  pageSchema,
  PathId,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { v7 } from 'uuid';
import { AuditLog } from '../log/audit-log';
import { factOfCall } from '../log/fact';
import { reasonOf } from './erasure-facts';
import { ErasureRunner } from './erasure-runner';
import { erasureSchema, findErasure, listErasures, type ErasureView } from './erasure.view';
import { FindSubject } from './find-subject';

class CreateErasure {
  /** id, externalId or userName of a user, or the id of somebody who has been deleted. */
  @IsString() @IsNotEmpty() @MaxLength(320) subject: string;
  /** Kept in the trail for whoever wrote it, without the subject's names. */
  @IsString() @IsNotEmpty() @MaxLength(2_000) reason: string;
}

const list = 'erasures';
/** How long a call waits for everybody (product §3: as for a command). */
const patienceMs = 5_000;
const lookMs = 50;

/** Erasure of a person's data (GDPR article 17), and the record of every one. */
@Controller('v1/audit/erasures')
export class ErasuresController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly subjects: FindSubject,
    private readonly log: AuditLog,
    private readonly runner: ErasureRunner,
  ) {}

  @Post()
  @Operation({
    scope: 'admin',
    trail: 'erasure.requested',
    summary: 'Make the personal data of somebody unreadable everywhere; every proof still holds',
    body: CreateErasure,
    answers: { 201: { description: 'The erasure, as far as it has got within 5 s', schema: erasureSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const { subject: ref, reason } = await call.body(CreateErasure);
    allowWorkflows(call, null, 'An erasure');
    const settle = async (id: string) => created(`/v1/audit/erasures/${id}`, await this.settled(call, id));
    // Once they are erased nobody is found any more.
    const before = await this.idempotency.answered(call, settle);
    if (before) return before;
    const subject = await this.subjects.find(call, ref);
    const actor = callingActor(call, await this.people.actor(call));
    const kept = await this.subjects.clean(call, subject, reason);
    return this.idempotency.run(
      call,
      async (tx) => {
        const id = v7();
        const fact = factOfCall(call, actor, {
          type: 'erasure.requested',
          content: { erasureId: id, subject },
          personal: reasonOf(actor, kept),
        });
        await tx.query(
          `INSERT INTO erasure (id, workspace_id, subject, entry_id, requested_at, requested_by, phase, state, due_at)
           VALUES ($1, $2, $3, $4, $5, $6, 'collect', 'running', now())`,
          [id, call.workspaceId, subject, fact.id, fact.at, JSON.stringify(actor)],
        );
        await this.log.append(tx, [fact]);
        tx.afterCommit(() => this.runner.wake());
        return { commandId: id };
      },
      { settle },
    );
  }

  @Get()
  @Operation({
    scope: 'audit:read',
    summary: 'Erasures, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(erasureSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    allowWorkflows(call, null, 'The list of erasures');
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(list, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listErasures(sql, call.workspaceId, before, limit),
    );
    return ok(pageOf(list, rows, limit, ({ id }) => id));
  }

  @Get(':id')
  @PathId('id', 'Id of the erasure')
  @Operation({
    scope: 'audit:read',
    summary: 'How far an erasure has got',
    answers: { 200: { description: 'The erasure', schema: erasureSchema } },
  })
  async read(@Caller() call: Call): Promise<Answer> {
    allowWorkflows(call, null, 'An erasure');
    const id = call.id('erasure');
    const erasure = await this.find(call, id);
    if (!erasure) throw Problem.notFound('erasure');
    return ok(erasure);
  }

  private find(call: Call, id: string): Promise<ErasureView | null> {
    return this.database.read(call.workspaceId, (sql) => findErasure(sql, call.workspaceId, id));
  }

  /** As it is once nothing more happens by itself, or the patience of the caller is over. */
  private async settled(call: Call, id: string): Promise<ErasureView> {
    const giveUpAt = Date.now() + patienceMs;
    while (Date.now() < giveUpAt && (await this.isRunning(call, id)))
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    const erasure = await this.find(call, id);
    if (!erasure) throw new Error(`no erasure ${id}`);
    return erasure;
  }

  private isRunning(call: Call, id: string): Promise<boolean> {
    return this.database.read(call.workspaceId, async (sql) => {
      const rows = await sql.query(`SELECT FROM erasure WHERE id = $1 AND state = 'running'`, [id]);
      return rows.length > 0;
    });
  }
}
