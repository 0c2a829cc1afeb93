import { Controller, Get, Post } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  allowWorkflows,
  Call,
  Caller,
  callingActor,
  Idempotency,
  IsTime,
  ok,
  Operation,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import { People } from '@countersign/directory-replica';
import { IsBoolean, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { AuditLog } from '../log/audit-log';
import { factOfCall } from '../log/fact';
import { readPruned } from '../retention/pruned';
import { askForRebuild } from './projection/clear.rows';
import { readWaiting, type WaitingLine } from './reports/bottlenecks.rows';
import { readProgress } from './reports/progress.rows';
import {
  bottlenecksSchema,
  cycleTimesSchema,
  outcomesSchema,
  rebuildSchema,
  throughputSchema,
} from './reports/report.schema';
import { cycleTimes, keyOf, outcomes, throughput, type Report } from './reports/reports';
import { groupings, readLines, type Grouping, type Line } from './reports/totals.rows';

export class AnalyticsQuery {
  /** Default: 30 days before `to`. */
  @IsOptional() @IsTime() from?: string;
  /** Not in it any more. Default: now. */
  @IsOptional() @IsTime() to?: string;
  /** Key of a workflow. */
  @IsOptional() @IsString() @MaxLength(200) workflow?: string;
  @IsOptional() @IsIn(groupings) groupBy?: Grouping;
}

export class Rebuild {
  /** Do without what was counted of entries that were pruned since. */
  @IsOptional() @IsBoolean() dropPruned?: boolean;
}

const dayMs = 86_400_000;
const usualDays = 30;
const mostLines = 1_000;

/** What docs/analytics.md defines, number by number. */
@Controller('v1/analytics')
export class AnalyticsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly log: AuditLog,
  ) {}

  @Get('cycle-times')
  @Operation({
    scope: 'audit:read',
    summary: 'How long stages and whole requests took that were decided in a period',
    query: AnalyticsQuery,
    answers: { 200: { description: 'A report', schema: cycleTimesSchema } },
  })
  cycleTimes(@Caller() call: Call): Promise<Answer> {
    return this.report(call, cycleTimes);
  }

  @Get('throughput')
  @Operation({
    scope: 'audit:read',
    summary: 'How many requests and stages came and went in a period',
    query: AnalyticsQuery,
    answers: { 200: { description: 'A report', schema: throughputSchema } },
  })
  throughput(@Caller() call: Call): Promise<Answer> {
    return this.report(call, throughput);
  }

  @Get('outcomes')
  @Operation({
    scope: 'audit:read',
    summary: 'What became of the requests and stages that ended in a period',
    query: AnalyticsQuery,
    answers: { 200: { description: 'A report', schema: outcomesSchema } },
  })
  outcomes(@Caller() call: Call): Promise<Answer> {
    return this.report(call, outcomes);
  }

  @Get('bottlenecks')
  @Operation({
    scope: 'audit:read',
    summary: 'Where requests wait now, and since when; from and to are about when the stage was reached',
    query: AnalyticsQuery,
    answers: { 200: { description: 'A report', schema: bottlenecksSchema } },
  })
  async bottlenecks(@Caller() call: Call): Promise<Answer> {
    const query = call.query(AnalyticsQuery);
    const { groupBy = null } = query;
    const workflows = workflowsOf(call, query);
    const [from, to] = [instant(query.from), instant(query.to)];
    if (from !== null && to !== null && from >= to) throw backwards();
    const asOf = new Date().toISOString();
    const [progress, lines] = await this.database.read(call.workspaceId, (sql) =>
      Promise.all([
        readProgress(sql, call.workspaceId),
        readWaiting(sql, call.workspaceId, { groupBy, workflows, from, to, asOf }),
      ]),
    );
    const shown = lines.slice(0, mostLines).map(({ workflow, value, ...line }) => ({
      ...keyOf(groupBy, { workflow, value }),
      ...line,
    }));
    return ok({
      from,
      to,
      asOf,
      groupBy,
      ...progress,
      data: groupBy === null && shown.length === 0 ? [nobodyWaits] : shown,
      omitted: lines.length - shown.length,
    });
  }

  @Post('rebuild')
  @Operation({
    scope: 'admin',
    trail: 'analytics.rebuilt',
    summary: 'Makes all numbers anew from the log; until that is done reports say complete: false',
    body: Rebuild,
    answers: { 200: { description: 'It has begun', schema: rebuildSchema } },
  })
  async rebuild(@Caller() call: Call): Promise<Answer> {
    const { dropPruned = false } = await call.body(Rebuild);
    allowWorkflows(call, null, 'The rebuild');
    const actor = callingActor(call, await this.people.actor(call));
    return this.idempotency.run(call, async (tx) => {
      const pruned = await readPruned(tx, call.workspaceId, null);
      if (pruned && !dropPruned) throw cannotCountAgain(pruned.before);
      await askForRebuild(tx, call.workspaceId);
      await this.log.append(tx, [
        factOfCall(call, actor, { type: 'analytics.rebuilt', content: { dropPruned } }),
      ]);
      return ok({ entries: 0, complete: false });
    });
  }

  private async report(call: Call, report: Report): Promise<Answer> {
    const query = call.query(AnalyticsQuery);
    const { groupBy = null } = query;
    const workflows = workflowsOf(call, query);
    const to = instant(query.to) ?? new Date().toISOString();
    const from = instant(query.from) ?? new Date(Date.parse(to) - usualDays * dayMs).toISOString();
    if (from >= to) throw backwards();
    const [progress, lines] = await this.database.read(call.workspaceId, (sql) =>
      Promise.all([
        readProgress(sql, call.workspaceId),
        readLines(sql, call.workspaceId, { groupBy, workflows, from, to }, report.kinds),
      ]),
    );
    const days = (Date.parse(to) - Date.parse(from)) / dayMs;
    const none: Line[] =
      groupBy === null && lines.length === 0 ? [{ workflow: null, value: null, totals: {} }] : [];
    const heavy = [...lines, ...none].sort(
      (a, b) => report.weight(b) - report.weight(a) || compare(nameOf(a), nameOf(b)),
    );
    const data = heavy
      .slice(0, mostLines)
      .map((line) => ({ ...keyOf(groupBy, line), ...report.line(line, groupBy, days) }));
    return ok({ from, to, groupBy, ...progress, data, omitted: heavy.length - data.length });
  }
}

const nameOf = ({ workflow, value }: Line): string => JSON.stringify([workflow, value]);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const instant = (time: string | undefined): string | null =>
  time === undefined ? null : new Date(time).toISOString();

const cannotCountAgain = (index: number): Problem =>
  new Problem(
    'invalid_transition',
    `Entries before ${index} were pruned: what was counted of them cannot be counted again. With {"dropPruned": true} the numbers are made anew without it.`,
  );

const backwards = (): Problem =>
  Problem.invalid([{ pointer: '/query/from', message: 'From must be before to.' }]);

/** What the call is about and the key may see; null for all. Throws Problem workflow_not_allowed. */
const workflowsOf = (call: Call, { workflow }: AnalyticsQuery): string[] | null => {
  if (workflow === undefined) return call.identity.key.workflows;
  allowWorkflow(call, workflow);
  return [workflow];
};

const nobodyWaits: Omit<
  WaitingLine,
  'workflow' | 'value' | 'oldestSince' | 'p50Ms' | 'p90Ms' | 'p99Ms' | 'maxMs'
> &
  Record<'oldestSince' | 'p50Ms' | 'p90Ms' | 'p99Ms' | 'maxMs', null> = {
  stages: 0,
  requests: 0,
  unassigned: 0,
  openTasks: 0,
  breached: 0,
  oldestSince: null,
  oldestTaskAt: null,
  p50Ms: null,
  p90Ms: null,
  p99Ms: null,
  maxMs: null,
};
