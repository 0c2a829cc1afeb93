import type { Requester, Stage } from '../aggregate';
import type { ConditionContext } from '../cel/condition';
import type { CompiledStage } from '../definition/compiled-definition';
import { plainCalendar } from '../calendar/plain-calendar';
import { durationToMs } from '../definition/duration';
import { valueAtPath } from './approver-sources';
import type { Transition } from './transition';

/** Steps of evaluation that the conditions of one decision may take together. */
const MAX_ROUTING_STEPS = 100_000;

/** The definition's side of a stage. The two always match: a request keeps the version that it runs on. */
export function ruleOf(transition: Transition, stage: Stage): CompiledStage {
  const found = transition.env.definition.stages[stage.index];
  if (found?.key !== stage.key) throw new Error(`the definition has no stage ${stage.key} at ${stage.index}`);
  return found;
}

function visibleRequester(requester: Requester): Record<string, unknown> {
  const { id, userName, displayName, department, region, approvalLimit, groups, manager } = requester;
  return { id, userName, displayName, department, region, approvalLimit, groups, manager };
}

/** What conditions see. The budget is for everything that is evaluated with it. */
export function conditionContext({ state, env }: Transition): ConditionContext {
  return {
    payload: env.payload,
    requester: visibleRequester(state.requester),
    request: {
      title: state.title,
      workflow: state.workflow.key,
      createdAt: state.createdAt,
      revision: state.revision,
    },
    stages: Object.fromEntries(state.stages.map((stage) => [stage.key, { state: stage.state }])),
    budget: { steps: MAX_ROUTING_STEPS },
  };
}

/** When a duration that starts at `from` is over, in the working time of the stage: 20 years later at the latest. */
export function timeAfter(rule: CompiledStage, from: string, duration: string): string {
  return (rule.calendar ?? plainCalendar).add(from, duration);
}

/** RFC 3339, to the second at least. */
const TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Times are compared as texts and kept by PostgreSQL: in UTC too their year has four digits, from 0001 on. */
const IN_UTC = /^(?!0000)\d{4}-/;

/** When the stage is due; null without an `sla`, and when its field holds neither a duration nor a time. */
export function dueAt(rule: CompiledStage, from: string, payload: unknown): string | null {
  if (rule.sla === null) return null;
  const value = typeof rule.sla === 'string' ? rule.sla : valueAtPath(rule.sla.field, payload);
  if (typeof value !== 'string') return null;
  if (durationToMs(value) !== null) return timeAfter(rule, from, value);
  if (!TIME.test(value) || Number.isNaN(Date.parse(value))) return null;
  const time = new Date(value).toISOString();
  return IN_UTC.test(time) ? time : null;
}

/**
 * Who may not decide in the stage, by user id, with the reason. Four eyes are those of whoever decided and of whoever's
 * vote it was: neither has a second one, their own or another's.
 */
export function forbiddenDeciders(transition: Transition, stage: Stage): Map<string, string> {
  const rule = ruleOf(transition, stage);
  const forbidden = new Map<string, string>();
  for (const other of transition.state.stages) {
    if (!rule.distinctFrom.includes(other.key)) continue;
    for (const task of other.tasks) {
      const decided = task.state === 'approved' || task.state === 'rejected' || task.state === 'returned';
      if (!decided || !task.decidedBy) continue;
      const { decidedBy, onBehalfOf } = task;
      forbidden.set(decidedBy.id, `has decided the stage ${other.title} (four eyes)`);
      if (!onBehalfOf || forbidden.has(onBehalfOf.id)) continue;
      const by = `has decided the stage ${other.title} by ${decidedBy.displayName} (four eyes)`;
      forbidden.set(onBehalfOf.id, by);
    }
  }
  if (rule.selfApproval !== 'allow') {
    forbidden.set(transition.state.requester.id, 'may not approve their own request');
  }
  return forbidden;
}
