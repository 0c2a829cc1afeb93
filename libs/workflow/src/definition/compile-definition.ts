import { compileCondition, type Condition } from '../cel/condition';
import { conditionVariables } from '../cel/condition-variables';
import type { Problem } from '../problem';
import { compileSubject } from '../subject/subject-schema';
import type {
  ApproverSource,
  CommentRule,
  OnNoApprovers,
  OnNoStage,
  Quorum,
  SelfApproval,
  WorkflowDefinition,
} from './workflow-definition';

/** A stage with every default filled in. */
export interface CompiledStage {
  key: string;
  title: string;
  when: Condition | null;
  approvers: ApproverSource[];
  quorum: Quorum;
  selfApproval: SelfApproval;
  onNoApprovers: OnNoApprovers;
  comment: CommentRule;
  /** Optional members of the payload that `when` reads without `has()`. */
  unguarded: string[];
}

/** A definition ready to run. It holds functions: keep it in memory, by workspace, key and version. */
export interface CompiledDefinition {
  key: string;
  title: string;
  onNoStage: OnNoStage;
  reasonCodes: { approve: string[]; reject: string[]; return: string[] } | null;
  stages: CompiledStage[];
  /** Every violation of the subject, with pointers from the payload's root. */
  validatePayload(payload: unknown): Problem[];
}

function compileWhen(text: string, definition: WorkflowDefinition, index: number) {
  const earlier = definition.stages.slice(0, index).map((stage) => stage.key);
  const compiled = compileCondition(text, conditionVariables(definition.subject ?? true, earlier));
  if (!compiled.ok)
    throw new Error(`not a definition that parseDefinition accepted: ${compiled.messages.join(' ')}`);
  return compiled;
}

/** Compiles a definition that `parseDefinition` accepted; throws on any other. */
export function compileDefinition(definition: WorkflowDefinition): CompiledDefinition {
  const { reasonCodes } = definition;
  return {
    key: definition.key,
    title: definition.title ?? definition.key,
    onNoStage: definition.onNoStage ?? 'fail',
    reasonCodes: reasonCodes
      ? {
          approve: reasonCodes.approve ?? [],
          reject: reasonCodes.reject ?? [],
          return: reasonCodes.return ?? [],
        }
      : null,
    stages: definition.stages.map((stage, index) => {
      const when = stage.when === undefined ? null : compileWhen(stage.when, definition, index);
      return {
        key: stage.key,
        title: stage.title ?? stage.key,
        when: when?.condition ?? null,
        unguarded: when?.unguarded ?? [],
        approvers: stage.approvers,
        quorum: stage.quorum ?? 'any',
        selfApproval: stage.selfApproval ?? 'forbid',
        onNoApprovers: stage.onNoApprovers ?? 'fail',
        comment: stage.comment ?? 'optional',
      };
    }),
    validatePayload: compileSubject(definition.subject ?? true),
  };
}

/** What must be put right before a version is published: conditions that fail when an optional field is missing. */
export function publishProblems(compiled: CompiledDefinition): Problem[] {
  return compiled.stages.flatMap((stage, index) =>
    stage.unguarded.map((path) => ({
      pointer: `/stages/${index}/when`,
      message: `${path} is optional and may be missing: ask has(${path}) first.`,
    })),
  );
}
