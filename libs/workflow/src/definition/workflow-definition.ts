/** A literal ref, or `{field}`: a path below `payload` that holds one ref or a list of refs. */
export type RefOrField = string | { field: string };

export interface WebhookSource {
  url: string;
  /** Default `easylife`. */
  format?: 'easylife';
  /** ISO 8601 duration of one attempt, default PT10S, at most PT60S. */
  timeout?: string;
}

/** A source of approvers as its author wrote it: exactly one member. */
export type ApproverSource =
  | { user: RefOrField }
  | { group: RefOrField }
  | { field: string }
  | { manager: { of?: 'requester'; levels?: number } }
  | { webhook: WebhookSource };

export type Quorum = 'any' | 'all' | 'majority' | { approvals: number } | { percent: number };
export type OnNoApprovers = 'fail' | 'skip' | 'approve' | { fallback: ApproverSource[] };
export type CommentRule = 'optional' | 'required' | 'required-on-reject';
export type SelfApproval = 'forbid' | 'allow';
export type OnNoStage = 'fail' | 'approve';

export interface StageDefinition {
  key: string;
  title?: string;
  when?: string;
  approvers: ApproverSource[];
  order?: 'parallel';
  quorum?: Quorum;
  reject?: 'any';
  selfApproval?: SelfApproval;
  onNoApprovers?: OnNoApprovers;
  onReject?: 'reject';
  comment?: CommentRule;
}

/** A valid definition, exactly as its author gave it: defaults are filled in by `compileDefinition`. */
export interface WorkflowDefinition {
  key: string;
  title?: string;
  subject?: boolean | Record<string, unknown>;
  reasonCodes?: { approve?: string[]; reject?: string[]; return?: string[] };
  onNoStage?: OnNoStage;
  stages: StageDefinition[];
}
