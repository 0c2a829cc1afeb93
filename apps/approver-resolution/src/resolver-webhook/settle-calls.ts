import type { Tx } from '@countersign/messaging';
import { questionById, settleResolution } from '../resolution/resolution.store';
import { resolveSources } from '../resolution/resolve-sources';
import { forgetCall, type LeasedCall } from './resolver-call.store';

/** Ends resolutions whose webhooks have all been asked: who was named is looked up now, and routing told. */
export const settleCalls = async (tx: Tx, calls: readonly LeasedCall[]): Promise<void> => {
  if (calls.length === 0) return;
  const answered = await Promise.all(
    calls.map(async ({ resolutionId, answers, evidence, cause }) => {
      const question = await questionById(tx, resolutionId);
      if (!question) throw new Error(`a call without its resolution ${resolutionId}`);
      return { question, answers, cause, calls: evidence };
    }),
  );
  const outcomes = await resolveSources(tx, answered);
  for (const [index, one] of answered.entries()) {
    const outcome = outcomes[index];
    if (outcome) await settleResolution(tx, one, outcome);
  }
  for (const call of calls) await forgetCall(tx, call);
};
