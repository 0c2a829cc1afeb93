import type { Person, RequestAggregate, Requester } from '../aggregate';
import { decide } from '../decider/approval.decider';
import type { LeftOut } from '../decider/approver-sources';
import type { ApproversResolvedCommand } from '../decider/commands';
import type { ResolveApproversEffect } from '../decider/decision';
import { apply } from '../decider/evolve';
import { reasonsOf } from '../decider/open-tasks';
import type { ResolutionEvidence } from '../decider/resolution-evidence';
import { compileDefinition } from '../definition/compile-definition';
import { parseDefinition } from '../definition/parse-definition';
import type { Problem } from '../problem';
import { sentence } from '../wording/phrase';

/** Sources as a stage has them, not checked yet, and for whom and what they are asked. */
export interface PreviewInput {
  approvers: unknown;
  payload: unknown;
  requester: Requester;
  /** Key of the workflow that is asked for: delegations may be for some only. */
  workflow: string;
  now: string;
  newId: () => string;
}

/** Somebody who would be asked; `why` is whole sentences. */
export interface PreviewedApprover {
  person: Person;
  onBehalfOf: Person | null;
  why: string;
}

export interface ApproverPreview {
  approvers: PreviewedApprover[];
  leftOut: LeftOut[];
  /** What is to be said of the answer as a whole. */
  note: string | null;
  /** Null when nobody had to be asked for. */
  evidence: ResolutionEvidence | null;
}

/** The question to ask, null when there is none, and what its answer amounts to. */
export type PreparedPreview =
  | { ok: false; errors: Problem[] }
  | {
      ok: true;
      question: ResolveApproversEffect | null;
      conclude: (answer: ApproversResolvedCommand['outcome']) => ApproverPreview;
    };

const system = { type: 'system', id: null, via: null } as const;
const stagePointer = '/stages/0';

/**
 * Who would be asked by a stage with nothing but these sources: the same code as that of a real stage, by its usual rules.
 * Pointers of errors are from the root of `{approvers}`.
 */
export function previewApprovers(input: PreviewInput): PreparedPreview {
  const { approvers, payload, requester, now, newId } = input;
  const stage = { key: 'preview', approvers, quorum: 'any' };
  const parsed = parseDefinition({ json: { key: 'preview', stages: [stage] } });
  if (!parsed.ok) {
    const errors = parsed.errors.map(({ pointer, message }) => ({
      pointer: pointer.startsWith(stagePointer) ? pointer.slice(stagePointer.length) : pointer,
      message,
    }));
    return { ok: false, errors };
  }
  const env = { definition: compileDefinition(parsed.definition), payload, now, newId };
  const submitted = decide(
    {
      type: 'submit',
      actor: system,
      requestId: newId(),
      workspaceId: newId(),
      workflow: { id: newId(), key: input.workflow, version: 1 },
      title: 'Preview',
      reason: null,
      requester,
      externalRef: null,
      metadata: {},
      createdAt: now,
    },
    null,
    env,
  );
  const request = submitted.ok ? apply(null, submitted.events) : null;
  if (!submitted.ok || !request) throw new Error('a preview that could not be submitted');
  const [question = null] = submitted.effects;
  const conclude = (outcome: ApproversResolvedCommand['outcome']): ApproverPreview => {
    if (!question)
      return { approvers: [], leftOut: [], note: request.failure?.detail ?? null, evidence: null };
    const { resolutionId, stageKey } = question;
    const decision = decide(
      { type: 'approversResolved', actor: system, resolutionId, stageKey, outcome },
      request,
      env,
    );
    const events = decision.ok ? decision.events : [];
    const [leftOut = []] = events.flatMap((event) =>
      event.type === 'stage.resolved' ? [event.leftOut] : [],
    );
    const after = apply(request, events);
    const { evidence = null } = outcome;
    return { approvers: askedIn(after), leftOut, note: outcome.note ?? tooMany(after, outcome), evidence };
  };
  return { ok: true, question, conclude };
}

const askedIn = (request: RequestAggregate | null): PreviewedApprover[] =>
  (request?.stages ?? []).flatMap(({ tasks }) =>
    tasks.map((task) => ({
      person: task.assignee,
      onBehalfOf: task.onBehalfOf,
      why: reasonsOf(task).map(sentence).join(' '),
    })),
  );

/** That nobody is named at all, everybody who is left out says. */
const tooMany = (
  request: RequestAggregate | null,
  { approvers }: ApproversResolvedCommand['outcome'],
): string | null => (approvers.length > 1 ? (request?.failure?.detail ?? null) : null);
