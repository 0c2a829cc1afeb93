import type { WorkingCalendar } from '../calendar/working-calendar';
import type { Shape } from '../cel/shape';
import { RuleCompiler } from './compile-source';
import type { CompiledEscalation, CompiledStage } from './compiled-definition';
import { durationToMs } from './duration';
import type { PlacedStage, StageDefinition } from './workflow-definition';

const MAX_REMINDERS = 100;

export interface StageSurroundings {
  variables: Record<string, Shape>;
  calendar: WorkingCalendar | null;
  distinctFrom: string[];
}

function compileRemind({ remind }: StageDefinition): CompiledStage['remind'] {
  if (!remind) return null;
  const { after, every = null, max = every === null ? 1 : MAX_REMINDERS } = remind;
  return { after, every, max };
}

function compileQuorum({ quorum = 'any' }: StageDefinition, rules: RuleCompiler): CompiledStage['quorum'] {
  for (const part of typeof quorum === 'object' && 'each' in quorum ? quorum.each : []) {
    if ('user' in part) rules.ref(part.user);
    if ('group' in part) rules.ref(part.group);
  }
  return quorum;
}

function byTime(a: CompiledEscalation, b: CompiledEscalation): number {
  return (durationToMs(a.after) ?? 0) - (durationToMs(b.after) ?? 0);
}

/** One stage with every default filled in. */
export function compileStage(
  { stage, pointer, step }: PlacedStage,
  around: StageSurroundings,
): CompiledStage {
  const rules = new RuleCompiler(around.variables);
  const { onNoApprovers = 'fail', sla = null, expire } = stage;
  const escalations = (stage.escalate ?? []).map(({ after, to, mode = 'add' }, index) => {
    return { place: index, after, to: rules.sources(to, `${pointer}/escalate/${index}/to`), mode };
  });
  const rule = {
    when: stage.when === undefined ? null : rules.condition(stage.when, `${pointer}/when`),
    approvers: rules.sources(stage.approvers, `${pointer}/approvers`),
    quorum: compileQuorum(stage, rules),
    onNoApprovers:
      typeof onNoApprovers === 'string'
        ? onNoApprovers
        : { fallback: rules.sources(onNoApprovers.fallback, `${pointer}/onNoApprovers/fallback`) },
    sla: typeof sla === 'object' && sla !== null ? { field: sla.field } : sla,
    escalate: escalations.sort(byTime),
  };
  for (const path of stage.reads ?? []) rules.reads.add(path);
  const reads = [...rules.reads];
  // Whom it informs does not change what anybody decides.
  const informed = new RuleCompiler(around.variables);
  const notify = informed.sources(stage.notify ?? [], `${pointer}/notify`);
  return {
    key: stage.key,
    title: stage.title ?? stage.key,
    step,
    ...rule,
    order: stage.order ?? 'parallel',
    reject: stage.reject ?? 'any',
    selfApproval: stage.selfApproval ?? 'forbid',
    distinctFrom: around.distinctFrom,
    onReject: stage.onReject ?? 'reject',
    remind: compileRemind(stage),
    expire: expire ? { after: expire.after, outcome: expire.outcome ?? 'reject' } : null,
    comment: stage.comment ?? 'optional',
    notify,
    calendar: around.calendar,
    reads,
    unguarded: [...rules.unguarded, ...informed.unguarded],
  };
}
