import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import {
  Call,
  Caller,
  decodeCursor,
  EmptyBody,
  Idempotency,
  idPosition,
  ok,
  Operation,
  PageQuery,
  pageOf,
  pageSchema,
  type Answer,
} from '@countersign/service-kit';
import { findingKinds } from './finding';
import { listFindings, readState, requestPass, type SelfCheckState, type Tampering } from './self-check.rows';
import { findingView } from './tell-findings';

const timeOrNull = { type: ['string', 'null'], format: 'date-time' };
const stateSchema = {
  type: 'object',
  required: ['verifiedEntries', 'checkedAt', 'passStartedAt', 'passedAt', 'findings'],
  properties: {
    verifiedEntries: { type: 'integer', description: 'Entries before this index have been checked' },
    checkedAt: { ...timeOrNull, description: 'When it last looked for what is new' },
    passStartedAt: { ...timeOrNull, description: 'When the last pass over all entries began' },
    passedAt: { ...timeOrNull, description: 'When a pass last came to its end' },
    findings: { type: 'integer' },
  },
};
const findingSchema = {
  type: 'object',
  required: ['id', 'kind', 'index', 'detail', 'foundAt', 'seenAt'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    kind: { type: 'string', enum: findingKinds },
    index: { type: 'integer', description: 'The first entry that it is about' },
    detail: { type: 'string' },
    foundAt: { type: 'string', format: 'date-time' },
    seenAt: { type: 'string', format: 'date-time', description: 'When it was last seen' },
  },
};

/** What the service itself finds wrong with the log. It is no proof for others: those verify for themselves. */
@Controller('v1/audit/self-check')
export class SelfCheckController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
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
});
