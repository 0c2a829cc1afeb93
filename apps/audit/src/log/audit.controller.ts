import { Controller, Get, Inject } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  content,
  decodeCursor,
  encodeCursor,
  IsTime,
  ok,
  Operation,
  PageQuery,
  pageSchema,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import { IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { prunedPageSchema, readPruned } from '../retention/pruned';
import { actorIdOf } from './actor-id';
import { AuditLog } from './audit-log';
import { listEntries } from './entry.rows';
import { entrySchema } from './entry.schema';

class EntriesQuery extends PageQuery {
  @IsOptional() @IsUUID() requestId?: string;
  /** Id of a user or key; a user's externalId or userName works as well. */
  @IsOptional() @IsString() @MaxLength(320) actor?: string;
  /** Id of a key, or `decision-link:<id>`: what was done on its word by those it vouched for. */
  @IsOptional() @IsString() @MaxLength(100) via?: string;
  @IsOptional() @IsString() @MaxLength(100) type?: string;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  @IsOptional() @IsTime() from?: string;
  @IsOptional() @IsTime() to?: string;
}

const indexPosition = /^\d{1,18}$/;
const text = 'text/plain; charset=utf-8';

@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly log: AuditLog,
    private readonly people: People,
  ) {}

  @Get('entries')
  @Operation({
    scope: 'audit:read',
    summary:
      'Entries of the log, oldest first; a page may be short, or empty, although nextCursor says that there is more to look at',
    query: EntriesQuery,
    answers: { 200: { description: 'A page', schema: prunedPageSchema(pageSchema(entrySchema)) } },
  })
  async entries(@Caller() call: Call): Promise<Answer> {
    const { cursor, limit, ...filter } = call.query(EntriesQuery);
    const after = decodeCursor('audit', cursor, indexPosition);
    if (filter.workflow !== undefined) allowWorkflow(call, filter.workflow);
    const actor = await actorIdOf(this.people, call, filter.actor);
    const [page, pruned] = await this.database.snapshot(call.workspaceId, (sql) =>
      Promise.all([
        listEntries(
          sql,
          call.workspaceId,
          { ...filter, actor, allowed: call.identity.key.workflows },
          after,
          limit,
        ),
        readPruned(sql, call.workspaceId, after),
      ]),
    );
    const nextCursor = page.after === null ? null : encodeCursor('audit', String(page.after));
    return ok({ data: page.entries, nextCursor, pruned });
  }

  @Get('checkpoint')
  @Operation({
    scope: 'audit:read',
    summary:
      'The newest signed checkpoint (C2SP tlog-checkpoint), with the cosignatures that there are of it',
    answers: { 200: { description: 'A signed note', schema: { type: 'string' }, mediaType: 'text/plain' } },
  })
  checkpoint(@Caller() call: Call): Promise<Answer> {
    return this.newestCheckpoint(call);
  }

  @Get('log/checkpoint')
  @Operation({
    scope: 'audit:read',
    summary: 'The same, where readers of C2SP tlog-tiles look for it',
    answers: { 200: { description: 'A signed note', schema: { type: 'string' }, mediaType: 'text/plain' } },
  })
  logCheckpoint(@Caller() call: Call): Promise<Answer> {
    return this.newestCheckpoint(call);
  }

  @Get('verifier-key')
  @Operation({
    scope: 'audit:read',
    summary: 'The signed-note verifier key of the checkpoints',
    answers: { 200: { description: 'name+id+key', schema: { type: 'string' }, mediaType: 'text/plain' } },
  })
  async verifierKey(@Caller() call: Call): Promise<Answer> {
    const head = await this.unitOfWork([call.workspaceId], (sql) => this.log.head(sql, call.workspaceId));
    return content(text, `${this.log.verifierKey(call.workspaceId, head)}\n`);
  }

  private async newestCheckpoint(call: Call): Promise<Answer> {
    const note = await this.unitOfWork([call.workspaceId], (sql) =>
      this.log.checkpoint(sql, call.workspaceId),
    );
    return content(text, note, { 'cache-control': 'no-cache' });
  }
}
