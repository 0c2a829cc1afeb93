/** A literal ref, or `{field}`: a path below `payload` that holds one ref or a list of refs. */
export type RefOrField = string | { field: string };

export interface WebhookSource {
  url: string;
  /** Default `easylife`. */
  format?: 'easylife' | 'countersign';
  /** ISO 8601 duration of one attempt, default PT10S, at most PT60S. */
  timeout?: string;
}

/**
 * `levels` asks everyone up to so many levels, `untilLimit` climbs until somebody's approval limit covers the number at
 * a path below `payload` (or a number given here). `of: assignee` is for `escalate` only.
 */
export interface ManagerSource {
  of?: 'requester' | 'assignee';
  levels?: number;
  untilLimit?: string | number;
}

/** The first row whose `when` holds names the sources; no row, nobody. */
export interface MatrixRow {
  when: string;
  to: ApproverSource[];
}

/** A source of approvers as its author wrote it: exactly one member. */
export type ApproverSource =
  | { user: RefOrField }
  | { group: RefOrField }
  | { role: string }
  | { field: string }
  | { manager: ManagerSource }
  | { expression: string }
  | { matrix: MatrixRow[] }
  | { webhook: WebhookSource };

/** So many approvals by people whom a source names. */
export type QuorumPart = { approvals: number } & (
  { user: RefOrField } | { group: RefOrField } | { role: string }
);

export type Quorum =
  'any' | 'all' | 'majority' | { approvals: number } | { percent: number } | { each: QuorumPart[] };
export type RejectRule = 'any' | 'unreachable' | { rejections: number };
export type OnNoApprovers = 'fail' | 'skip' | 'approve' | { fallback: ApproverSource[] };
export type CommentRule = 'optional' | 'required' | 'required-on-reject';
export type SelfApproval = 'forbid' | 'reroute' | 'allow';
export type OnReject = 'reject' | 'return';
export type OnNoStage = 'fail' | 'approve';
export type OnChange = 'material' | 'all' | 'none';
export type ExpiryOutcome = 'reject' | 'approve' | 'cancel' | 'expire';

/** ISO 8601 durations; with a `calendar`, days are working days and hours are working hours. */
export interface Reminders {
  after: string;
  every?: string;
  max?: number;
}

export interface Escalation {
  after: string;
  to: ApproverSource[];
  /** Default `add`. */
  mode?: 'add' | 'replace';
}

export interface Expiry {
  after: string;
  /** Default `reject`. */
  outcome?: ExpiryOutcome;
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Working time: `weekly` holds spans such as `09:00-17:30` by weekday, `holidays` holds dates such as `2026-12-25`. */
export interface CalendarDefinition {
  /** IANA name, such as `Europe/Berlin`. */
  timeZone: string;
  weekly: Partial<Record<Weekday, string[]>>;
  holidays?: string[];
}

export interface StageDefinition {
  key: string;
  title?: string;
  when?: string;
  approvers: ApproverSource[];
  order?: 'parallel' | 'sequential';
  quorum?: Quorum;
  reject?: RejectRule;
  selfApproval?: SelfApproval;
  /** Keys of stages of earlier steps. */
  distinctFrom?: string[];
  onNoApprovers?: OnNoApprovers;
  onReject?: OnReject;
  /** A duration, or a path below `payload` that holds one, or the time itself. */
  sla?: string | { field: string };
  remind?: Reminders;
  escalate?: Escalation[];
  expire?: Expiry;
  comment?: CommentRule;
  notify?: ApproverSource[];
  /** Name of a calendar of `calendars`; overrides the workflow's. */
  calendar?: string;
  /** Paths below `payload` that people look at when they decide here. */
  reads?: string[];
}

/** Stages that run side by side. */
export interface ParallelGroup {
  parallel: StageDefinition[];
}

/** A valid definition, exactly as its author gave it: defaults are filled in by `compileDefinition`. */
export interface WorkflowDefinition {
  key: string;
  title?: string;
  subject?: boolean | Record<string, unknown>;
  reasonCodes?: { approve?: string[]; reject?: string[]; return?: string[] };
  onNoStage?: OnNoStage;
  onChange?: OnChange;
  maxRevisions?: number;
  calendar?: string;
  calendars?: Record<string, CalendarDefinition>;
  stages: (StageDefinition | ParallelGroup)[];
}

/** A stage with its place: `pointer` is from the definition's root, `step` counts groups as one. */
export interface PlacedStage {
  stage: StageDefinition;
  pointer: string;
  step: number;
}

/** All stages flat, in the order in which requests list them. */
export function stagesOf({ stages }: Pick<WorkflowDefinition, 'stages'>): PlacedStage[] {
  return stages.flatMap((entry, step) =>
    'parallel' in entry
      ? entry.parallel.map((stage, index) => ({ stage, step, pointer: `/stages/${step}/parallel/${index}` }))
      : [{ stage: entry, step, pointer: `/stages/${step}` }],
  );
}
