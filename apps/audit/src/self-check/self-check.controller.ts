import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  allowWorkflows,
  Call,
  Caller,
  callingActor,
  decodeCursor,
  EmptyBody,
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
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { reasonOf } from '../erasures/erasure-facts';
import { AuditLog } from '../log/audit-log';
import { factOfCall } from '../log/fact';
import { findingKinds } from './finding';
import { acknowledgeFinding, findFinding, listFindings, type Tampering } from './finding.rows';
import { readState, requestPass, type SelfCheckState } from './self-check.rows';
import { findingView } from './tell-findings';

class Acknowledgement {
  /** Kept in the trail for whoever wrote it. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(2_000) reason?: string | null;
}

const timeOrNull = { type: ['string', 'null'], format: 'date-time' };
const stateSchema = {
  type: 'object',
  required: ['verifiedEntries', 'checkedAt', 'passStartedAt', 'passedAt', 'findings'],
  properties: {
    verifiedEntries: { type: 'integer', description: 'Entries before this index have been checked' },
    checkedAt: { ...timeOrNull, description: 'When it last looked for what is new' },
    passStartedAt: { ...timeOrNull, description: 'When the last pass over all entries began' },
    passedAt: { ...timeOrNull, description: 'When a pass last came to its end' },
    findings: { type: 'integer', description: 'Those that nobody has acknowledged' },
  },
};
const findingSchema = {
  type: 'object',
  required: ['id', 'kind', 'index', 'detail', 'foundAt', 'seenAt', 'acknowledgedAt', 'acknowledgedBy'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    kind: { type: 'string', enum: findingKinds },
    index: { type: 'integer', description: 'The first entry that it is about' },
    detail: { type: 'string' },
    foundAt: { type: 'string', format: 'date-time' },
    seenAt: { type: 'string', format: 'date-time', description: 'When it was last seen' },
    acknowledgedAt: timeOrNull,
    acknowledgedBy: { type: ['object', 'null'] },
  },
};

/** What the service itself finds wrong with the log. It is no proof for others: those verify for themselves. */
@Controller('v1/audit/self-check')
export class SelfCheckController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly log: AuditLog,
  ) {}

  @Get()
  @Operation({
    scope: 'audit:read',
    summary: 'How far the log has been checked by the service itself',
    answers: { 200: { description: 'Its state', schema: stateSchema } },
  })
  async state(@Caller() call: Call): Promise<Answer> {
    return ok(
      stateView(await this.database.read(call.workspaceId, (sql) => readState(sql, call.workspaceId))),
    );
  }

  @Post()
  @HttpCode(200)
  @Operation({
    scope: 'admin',
    trail: 'none: it looks at the log and changes nothing of it',
    summary: 'Begins a pass over all entries now',
    body: EmptyBody,
    answers: { 200: { description: 'Its state', schema: stateSchema } },
  })
  async begin(@Caller() call: Call): Promise<Answer> {
    await call.body(EmptyBody);
    return this.idempotency.run(call, async (tx) => {
      await requestPass(tx, call.workspaceId);
      return ok(stateView(await readState(tx, call.workspaceId)));
    });
  }

  @Get('findings')
  @Operation({
    scope: 'audit:read',
    summary: 'What was found to be wrong with the log, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(findingSchema) } },
  })
  async findings(@Caller() call: Call): Promise<Answer> {
    const { cursor, limit } = call.query(PageQuery);
    const before = decodeCursor('findings', cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listFindings(sql, call.workspaceId, before, limit),
    );
    return ok(pageOf('findings', rows, limit, ({ id }) => id, detailed));
  }

  @Post('findings/:id/acknowledge')
  @HttpCode(200)
  @PathId('id', 'Id of the finding')
  @Operation({
    scope: 'admin',
    trail: 'tampering.acknowledged',
    summary: 'Somebody knows of a finding: it no longer counts, and is told again only when it comes anew',
    body: Acknowledgement,
    answers: { 200: { description: 'The finding', schema: findingSchema } },
  })
  async acknowledge(@Caller() call: Call): Promise<Answer> {
    const { reason } = await call.body(Acknowledgement);
    allowWorkflows(call, null, 'A finding');
    const id = call.id('finding');
    const actor = callingActor(call, await this.people.actor(call));
    return this.idempotency.run(call, async (tx) => {
      const acknowledged = await acknowledgeFinding(tx, call.workspaceId, id, actor);
      if (acknowledged) {
        const { kind, index } = acknowledged;
        const content = { findingId: id, kind, index: Number(index) };
        const personal = reason ? reasonOf(actor, reason) : [];
        await this.log.append(tx, [
          factOfCall(call, actor, { type: 'tampering.acknowledged', content, personal }),
        ]);
      }
      const found = acknowledged ?? (await findFinding(tx, call.workspaceId, id));
      if (!found) throw Problem.notFound('finding');
      return ok(detailed(found));
    });
  }
}

const stateView = (state: SelfCheckState | null) => ({
  verifiedEntries: Number(state?.verified ?? 0),
  checkedAt: state?.checkedAt?.toISOString() ?? null,
  passStartedAt: state?.passStartedAt?.toISOString() ?? null,
  passedAt: state?.passedAt?.toISOString() ?? null,
  findings: state?.findings ?? 0,
});

const detailed = (found: Tampering) => ({
  ...findingView(found),
  foundAt: found.foundAt.toISOString(),
  seenAt: found.seenAt.toISOString(),
  acknowledgedAt: found.acknowledgedAt?.toISOString() ?? null,
  acknowledgedBy: found.acknowledgedBy,
});
