import {
  requestOutcomes,
  stageOutcomes,
  type Measure,
  type RequestOutcome,
  type StageOutcome,
} from './measure';
import { newRun, type RequestRun, type StageRun } from './request-run';
import type { TrailEntry } from './trail-entry';

/** Purposes of answers that name approvers of the stage; delegates and people to inform are not meant by its sources. */
const naming = ['start', 'fallback', 'refill', 'escalate'];
/** What was decided, be it by the clock; everything else was cut off. */
const decidedStages: readonly StageOutcome[] = ['approved', 'rejected', 'returned', 'expired'];
const decidedRequests: readonly RequestOutcome[] = ['completed', 'rejected', 'expired'];

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const elapsed = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));

const groupsIn = (evidence: unknown): string[] =>
  listOf(memberOf(evidence, 'sources')).flatMap((source) =>
    listOf(memberOf(source, 'groups')).flatMap((group) => textOf(memberOf(group, 'id')) ?? []),
  );
const joined = (some: readonly string[], more: readonly string[]): string[] =>
  [...new Set([...some, ...more])].sort();

/**
 * Follows one request through its entries, which come in the order of `requestVersion` and within a version in that of the
 * log. Answers what is to be remembered of it, and what is to be counted.
 */
export const followRequest = (
  before: RequestRun | null,
  entries: readonly TrailEntry[],
): { run: RequestRun; measures: Measure[] } => {
  const run = before ?? newRun();
  const walk = new Walk({ ...run, stages: { ...run.stages }, tasks: { ...run.tasks } });
  for (const entry of entries) walk.take(entry);
  return { run: walk.run, measures: walk.measures };
};

class Walk {
  readonly measures: Measure[] = [];

  /** `run` is changed. */
  constructor(readonly run: RequestRun) {}

  take(entry: TrailEntry): void {
    if (this.run.over) return;
    const { type, at, content } = entry;
    const stage = textOf(content.stageKey) ?? '';
    const task = textOf(content.taskId) ?? '';
    switch (type) {
      case 'request.created':
        return this.change({
          requester: textOf(content.requester),
          region: entry.region,
          department: entry.department,
        });
      case 'request.submitted':
        this.measures.push({
          at,
          groups: [],
          kind: this.run.submittedAt === null ? 'submitted' : 'resubmitted',
        });
        return this.change({ submittedAt: this.run.submittedAt ?? at });
      case 'stage.awaiting_approvers':
        return content.purpose === 'start' ? this.reach(stage, at) : undefined;
      case 'stage.resolved':
        return naming.includes(String(content.purpose))
          ? this.name(stage, groupsIn(content.evidence))
          : undefined;
      case 'request.stage_started':
        return this.start(stage, at);
      case 'stage.ended':
        return this.leave(stage, at, content.state as StageOutcome);
      case 'stage.skipped':
        return this.leave(stage, at, 'skipped');
      case 'stage.reopened':
        return this.leave(stage, at, 'reopened');
      case 'task.assigned':
        this.run.tasks[task] = { stage, since: at };
        return undefined;
      case 'task.decided':
        delete this.run.tasks[task];
        return this.change({ decided: true });
      case 'task.reassigned':
      case 'task.dismissed':
      case 'task.expired':
      case 'task.closed':
        delete this.run.tasks[task];
        return undefined;
      case 'task.overdue':
        return this.breach(stage);
      case 'request.returned':
        return this.change({ returns: this.run.returns + 1 });
      case 'request.overridden':
        return this.change({ overridden: true });
      case 'request.completed':
      case 'request.rejected':
      case 'request.canceled':
      case 'request.expired':
      case 'request.failed':
        return this.end(entry);
      default:
        return undefined;
    }
  }

  private change(part: Partial<RequestRun>): void {
    Object.assign(this.run, part);
  }

  private stage(key: string): StageRun | undefined {
    return Object.hasOwn(this.run.stages, key) ? this.run.stages[key] : undefined;
  }

  private withStage(key: string, stage: StageRun): void {
    this.run.stages[key] = stage;
  }

  private reach(key: string, at: string): void {
    if (!this.stage(key)) this.withStage(key, { since: at, startedAt: null, groups: [], breached: false });
  }

  private name(key: string, groups: string[]): void {
    const stage = this.stage(key);
    if (!stage) return;
    this.withStage(key, { ...stage, groups: joined(stage.groups, groups) });
    this.change({ groups: joined(this.run.groups, groups) });
  }

  private start(key: string, at: string): void {
    this.reach(key, at);
    const stage = this.stage(key);
    if (!stage || stage.startedAt !== null) return;
    this.withStage(key, { ...stage, startedAt: at });
    this.measures.push({ at, groups: stage.groups, kind: 'stage_started', stageKey: key });
  }

  private breach(key: string): void {
    const stage = this.stage(key);
    if (!stage) return;
    this.withStage(key, { ...stage, breached: true });
    this.change({ breached: true });
  }

  private leave(key: string, at: string, outcome: StageOutcome): void {
    const stage = this.stage(key);
    if (!stage || !stageOutcomes.includes(outcome)) return;
    delete this.run.stages[key];
    const { startedAt, groups, breached } = stage;
    const isDecided = startedAt !== null && decidedStages.includes(outcome);
    const durationMs = isDecided ? elapsed(startedAt, at) : null;
    this.measures.push({ at, groups, kind: 'stage_ended', stageKey: key, outcome, durationMs, breached });
  }

  private end({ type, at, content }: TrailEntry): void {
    const outcome = requestOutcomes.find((one) => type === `request.${one}`);
    if (!outcome) return;
    for (const key of Object.keys(this.run.stages)) this.leave(key, at, 'canceled');
    const { submittedAt, groups, overridden, breached, returns, decided } = this.run;
    this.change({ over: true, tasks: {} });
    // A draft that was thrown away was never asked about.
    if (submittedAt === null) return;
    this.measures.push({
      at,
      groups,
      kind: 'ended',
      outcome,
      durationMs: decidedRequests.includes(outcome) ? elapsed(submittedAt, at) : null,
      abandoned: outcome === 'expired' || (outcome === 'canceled' && this.isAbandonedBy(content.actor)),
      overridden,
      breached,
      returns,
      straightThrough: outcome === 'completed' && !decided && !overridden,
    });
  }

  /** By the requester, or by the clock: an expiry that says `cancel`. */
  private isAbandonedBy(actor: unknown): boolean {
    const type = memberOf(actor, 'type');
    return type === 'system' || (type === 'user' && memberOf(actor, 'id') === this.run.requester);
  }
}
