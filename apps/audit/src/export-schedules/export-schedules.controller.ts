import type { Actor } from '@countersign/contracts';
import { Controller, Delete, Get, Inject, Patch, Post } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import { ObjectStoreError, segmentsOf } from '@countersign/object-store';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  allowWorkflows,
  Call,
  Caller,
  callingActor,
  created,
  decodeCursor,
  Idempotency,
  idPosition,
  IsTime,
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
import { Type } from 'class-transformer';
import {
  IsDefined,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { v7 } from 'uuid';
import { actorIdOf } from '../log/actor-id';
import { factOfCall } from '../log/fact';
import { AuditLog } from '../log/audit-log';
import { formatNames, type FormatName } from '../export/formats/format-of';
import { readPruned } from '../retention/pruned';
import { ExportStores } from './export-stores';
import {
  runSchema,
  runView,
  scheduleSchema,
  scheduleView,
  secondsOf,
  targetTypes,
  type Schedule,
  type Target,
} from './schedule';
import {
  countSchedules,
  deleteSchedule,
  findSchedule,
  insertSchedule,
  listRuns,
  listSchedules,
  updateSchedule,
} from './schedule.rows';
import { ScheduleRunner } from './schedule-runner';

class FilterBody {
  @IsOptional() @IsUUID() requestId?: string;
  @IsOptional() @IsString() @MaxLength(320) actor?: string;
  @IsOptional() @IsString() @MaxLength(100) via?: string;
  @IsOptional() @IsString() @MaxLength(100) type?: string;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  @IsOptional() @IsTime() from?: string;
  @IsOptional() @IsTime() to?: string;
}

class TargetBody {
  @IsIn(targetTypes) type: Target['type'];
  /** Folder below the workspace's own: `a/b`. */
  @IsOptional() @IsString() @MaxLength(500) path?: string;
}

class CreateSchedule {
  @IsString() @IsNotEmpty() @MaxLength(200) name: string;
  @IsIn(formatNames) format: FormatName;
  /** ISO 8601 duration of days, hours and minutes, a minute at least: `P1D`. */
  @IsString() every: string;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => FilterBody) filter?: FilterBody;
  @IsDefined() @IsObject() @ValidateNested() @Type(() => TargetBody) target: TargetBody;
  /** The index that the first run begins behind; -1, the default, is the beginning of the log. */
  @IsOptional() @IsInt() @Min(-1) @Max(Number.MAX_SAFE_INTEGER) after?: number;
}

class ChangeSchedule {
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(200) name?: string;
  @IsOptional() @IsString() every?: string;
  @IsOptional() @IsIn(['active', 'paused']) state?: 'active' | 'paused';
}

const list = 'export-schedules';
const runs = 'export-runs';
const mostSchedules = 50;
const idParam = PathId('id', 'Id of the schedule.');

/** Exports that are made again and again, each from where the one before ended. */
@Controller('v1/audit/export-schedules')
export class ExportSchedulesController {
  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly log: AuditLog,
    private readonly stores: ExportStores,
    private readonly runner: ScheduleRunner,
  ) {}

  @Post()
  @Operation({
    scope: 'admin',
    trail: 'export_schedule.created',
    summary: 'Exports the log again and again, to a folder or bucket of this deployment',
    body: CreateSchedule,
    answers: { 201: { description: 'The schedule; its first run is due at once', schema: scheduleSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const { name, format, every, target, ...given } = await call.body(CreateSchedule);
    // Null says as little as nothing at all.
    const after = given.after ?? -1;
    const filter = Object.fromEntries(
      Object.entries(given.filter ?? {}).filter(([, value]) => value !== null && value !== undefined),
    ) as FilterBody;
    const everySeconds = secondsOf(every);
    const violations = [
      ...(everySeconds === null ? [{ pointer: '/every', message: badDuration }] : []),
      ...targetProblems(target),
      ...(this.stores.get(target.type)
        ? []
        : [{ pointer: '/target/type', message: `This deployment has no ${target.type} for exports.` }]),
    ];
    if (violations.length > 0 || everySeconds === null) throw Problem.invalid(violations);
    if (filter.workflow !== undefined) allowWorkflow(call, filter.workflow);
    const actor = await this.actorOf(call, filter.actor);
    const { workspaceId, identity } = call;
    const who = callingActor(call, await this.people.actor(call));
    const answer = await this.idempotency.run(call, async (tx) => {
      if ((await countSchedules(tx, workspaceId)) >= mostSchedules)
        throw Problem.invalid([
          { pointer: '', message: `A workspace has at most ${mostSchedules} schedules.` },
        ]);
      // What has been pruned already is not what it misses.
      const pruned = await readPruned(tx, workspaceId, String(after));
      const schedule = await insertSchedule(tx, {
        id: v7(),
        workspaceId,
        name,
        format,
        every,
        everySeconds,
        filter: { ...filter, actor, allowed: identity.key.workflows },
        target: { type: target.type, path: target.path ?? '' },
        nextIndex: pruned?.before ?? after + 1,
        keyId: identity.key.id,
      });
      await this.record(tx, call, 'export_schedule.created', who, schedule);
      return created(`/v1/audit/export-schedules/${schedule.id}`, scheduleView(schedule));
    });
    this.runner.wake();
    return answer;
  }

  @Get()
  @Operation({
    scope: 'admin',
    summary: 'The export schedules, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(scheduleSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(list, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listSchedules(sql, call.workspaceId, call.identity.key.workflows, before, limit + 1),
    );
    return ok(pageOf(list, rows, limit, ({ id }) => id, scheduleView));
  }

  @Get(':id')
  @idParam
  @Operation({
    scope: 'admin',
    summary: 'An export schedule',
    answers: { 200: { description: 'The schedule', schema: scheduleSchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    return ok(scheduleView(await this.find(call)));
  }

  @Get(':id/runs')
  @idParam
  @Operation({
    scope: 'admin',
    summary: 'The runs of an export schedule, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(runSchema) } },
  })
  async runs(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(runs, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) => listRuns(sql, id, before, limit + 1));
    return ok(pageOf(runs, rows, limit, (run) => run.id, runView));
  }

  @Patch(':id')
  @idParam
  @Operation({
    scope: 'admin',
    trail: 'export_schedule.changed',
    summary: 'Changes name, interval or state; what it exports, and where to, stays',
    body: ChangeSchedule,
    answers: { 200: { description: 'The schedule as it now is', schema: scheduleSchema } },
  })
  async change(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const { name, every, state } = await call.body(ChangeSchedule);
    const everySeconds = every === undefined ? undefined : secondsOf(every);
    if (everySeconds === null) throw Problem.invalid([{ pointer: '/every', message: badDuration }]);
    const who = callingActor(call, await this.people.actor(call));
    const answer = await this.unitOfWork([call.workspaceId], async (tx) => {
      const now = await this.locked(call, tx, id);
      const schedule = await updateSchedule(tx, id, {
        name: name ?? now.name,
        every: every ?? now.every,
        everySeconds: everySeconds ?? now.everySeconds,
        state: state ?? now.state,
      });
      await this.record(tx, call, 'export_schedule.changed', who, schedule);
      return ok(scheduleView(schedule));
    });
    this.runner.wake();
    return answer;
  }

  @Delete(':id')
  @idParam
  @Operation({
    scope: 'admin',
    trail: 'export_schedule.deleted',
    summary: 'Ends a schedule and forgets its runs; files stay where they are',
    answers: { 204: { description: 'It is gone' } },
  })
  async remove(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const who = callingActor(call, await this.people.actor(call));
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const schedule = await this.locked(call, tx, id);
      await deleteSchedule(tx, id);
      await this.record(tx, call, 'export_schedule.deleted', who, schedule);
      return noContent();
    });
  }

  /** A schedule for nobody would put nothing into its folder for ever, and nobody would look. */
  private async actorOf(call: Call, ref: string | undefined): Promise<string | undefined> {
    const id = await actorIdOf(this.people, call, ref);
    if (id !== '') return id;
    throw new Problem('unknown_reference', 'The filter names nobody.', {
      errors: [{ pointer: '/filter/actor', message: 'There is no such user, or more than one.' }],
    });
  }

  private async find(call: Call): Promise<Schedule> {
    const id = call.id('export schedule');
    const schedule = await this.database.read(call.workspaceId, (sql) => findSchedule(sql, id));
    if (!schedule) throw Problem.notFound('export schedule');
    allowWorkflows(call, schedule.filter.allowed, 'The export schedule');
    return schedule;
  }

  private async locked(call: Call, tx: Tx, id: string): Promise<Schedule> {
    const schedule = await findSchedule(tx, id, 'FOR UPDATE');
    if (!schedule) throw Problem.notFound('export schedule');
    if (call.expectedVersion !== null && call.expectedVersion !== schedule.version)
      throw new Problem('version_mismatch', `The export schedule is at version ${schedule.version}.`);
    return schedule;
  }

  private record(
    tx: Tx,
    call: Call,
    type: string,
    actor: Actor,
    { id, format, everySeconds, state, target, nextIndex }: Schedule,
  ): Promise<void> {
    const content = { scheduleId: id, format, everySeconds, state, target: target.type, nextIndex };
    return this.log.append(tx, [factOfCall(call, actor, { type, content })]);
  }
}

const badDuration =
  'Must be an ISO 8601 duration of days, hours and minutes, from a minute to a year, such as P1D.';

const targetProblems = ({ path }: TargetBody) => {
  if (!path) return [];
  try {
    return segmentsOf(path).length > 8 ? [{ pointer: '/target/path', message: 'Has at most 8 names.' }] : [];
  } catch (error) {
    if (error instanceof ObjectStoreError) return [{ pointer: '/target/path', message: error.message }];
    throw error;
  }
};
