import {
  stagesOf,
  type ApproverSource,
  type Escalation,
  type StageDefinition,
  type WorkflowDefinition,
} from '../definition/workflow-definition';

/** A source with its defaults; two spellings of the same become one. */
function sourceWithDefaults(source: ApproverSource): ApproverSource {
  if ('user' in source && typeof source.user === 'object') return { field: source.user.field };
  if ('manager' in source) {
    const { of = 'requester', levels, untilLimit } = source.manager;
    return { manager: untilLimit === undefined ? { of, levels: levels ?? 1 } : { of, untilLimit } };
  }
  if ('webhook' in source) {
    const { url, format = 'easylife', timeout = 'PT10S' } = source.webhook;
    return { webhook: { url, format, timeout } };
  }
  if ('matrix' in source)
    return { matrix: source.matrix.map(({ when, to }) => ({ when, to: to.map(sourceWithDefaults) })) };
  return source;
}

function escalationWithDefaults({ after, to, mode = 'add' }: Escalation): Required<Escalation> {
  return { after, to: to.map(sourceWithDefaults), mode };
}

/** A stage as it behaves: every default is written out, except where absent means "none". */
export function stageWithDefaults(stage: StageDefinition) {
  const { onNoApprovers = 'fail', remind, expire } = stage;
  const { quorum = 'any', reject = 'any' } = stage;
  return {
    key: stage.key,
    title: stage.title ?? stage.key,
    when: stage.when ?? null,
    approvers: stage.approvers.map(sourceWithDefaults),
    order: stage.order ?? 'parallel',
    quorum: typeof quorum === 'object' && 'approvals' in quorum && quorum.approvals === 1 ? 'any' : quorum,
    reject: typeof reject === 'object' && reject.rejections === 1 ? 'any' : reject,
    selfApproval: stage.selfApproval ?? 'forbid',
    distinctFrom: stage.distinctFrom ?? [],
    onNoApprovers:
      typeof onNoApprovers === 'string'
        ? onNoApprovers
        : { fallback: onNoApprovers.fallback.map(sourceWithDefaults) },
    onReject: stage.onReject ?? 'reject',
    sla: stage.sla ?? null,
    remind: remind
      ? {
          after: remind.after,
          every: remind.every ?? null,
          max: remind.max ?? (remind.every === undefined ? 1 : 100),
        }
      : null,
    escalate: (stage.escalate ?? []).map(escalationWithDefaults),
    expire: expire ? { after: expire.after, outcome: expire.outcome ?? 'reject' } : null,
    comment: stage.comment ?? 'optional',
    notify: (stage.notify ?? []).map(sourceWithDefaults),
    calendar: stage.calendar ?? null,
    reads: stage.reads ?? [],
  } as const;
}

export type FullStage = ReturnType<typeof stageWithDefaults>;

/** A stage with its place, in full. `group` holds the keys of all stages that run side by side with it. */
export interface FullPlacedStage {
  stage: FullStage;
  pointer: string;
  group: string[];
}

/** All stages flat; a parallel group of one stage is that stage. */
export function fullStages(definition: WorkflowDefinition): FullPlacedStage[] {
  const placed = stagesOf(definition);
  const groups = new Map<number, string[]>();
  for (const { stage, step } of placed) groups.set(step, [...(groups.get(step) ?? []), stage.key]);
  return placed.map(({ stage, pointer, step }) => ({
    stage: stageWithDefaults(stage),
    pointer,
    group: (groups.get(step) ?? []).filter((key) => key !== stage.key),
  }));
}
