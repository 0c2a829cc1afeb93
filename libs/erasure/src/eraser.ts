import type { RequestToErase } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';

/** Rows that an erasure has changed, by kind. */
export type Counts = Record<string, number>;

/** Whose data go. */
export interface ErasureScope {
  workspaceId: string;
  /** User id; null: everybody's. */
  subject: string | null;
}

/** What a service knows of where it keeps data of people. Each call is a transaction of its own, and may come again. */
export interface Eraser {
  /**
   * Erases in the first of these requests, as many as can be held in memory together: at least in one. No other erasure is at work
   * in them. Answers in how many.
   */
  eraseRequests(
    tx: Tx,
    scope: ErasureScope,
    requests: readonly RequestToErase[],
  ): Promise<{ requests: number; counts: Counts }>;
  /** Erases what there is of somebody beside requests, but for answers to idempotent calls and dead letters. */
  eraseGeneral(tx: Tx, scope: ErasureScope & { subject: string }): Promise<Counts>;
}

export const addCounts = (a: Counts, b: Counts): Counts => {
  const sum = { ...a };
  for (const [kind, count] of Object.entries(b)) if (count > 0) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
};
