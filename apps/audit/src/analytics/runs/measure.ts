import { finalStates } from '@countersign/contracts';

export const requestOutcomes = finalStates;
export type RequestOutcome = (typeof requestOutcomes)[number];

export const stageOutcomes = [
  'approved',
  'rejected',
  'returned',
  'expired',
  'canceled',
  'failed',
  'skipped',
  'reopened',
] as const;
export type StageOutcome = (typeof stageOutcomes)[number];

/** Something that is counted in the period in which it happened. Once made it never changes (docs/analytics.md). */
export type Measure = { at: string; groups: string[] } & (
  | { kind: 'submitted' | 'resubmitted' }
  | {
      kind: 'ended';
      outcome: RequestOutcome;
      /** Milliseconds; null where nobody and no clock has decided. */
      durationMs: number | null;
      abandoned: boolean;
      overridden: boolean;
      breached: boolean;
      /** Times that it went back to its requester. */
      returns: number;
      straightThrough: boolean;
    }
  | { kind: 'stage_started'; stageKey: string }
  | {
      kind: 'stage_ended';
      stageKey: string;
      outcome: StageOutcome;
      durationMs: number | null;
      breached: boolean;
    }
);
