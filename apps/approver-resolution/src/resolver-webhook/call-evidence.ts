import type { CallRecord, CallTarget } from './resolver-call.store';

/** Results of what was no call at all. */
const waits: readonly CallRecord['result'][] = ['no_room', 'circuit_open', 'kept', 'aborted'];

const isOf =
  ({ url, format }: CallTarget) =>
  (record: CallRecord): boolean =>
    record.url === url && record.format === format;

/** The records with more of them. Somebody who waits again in the same attempt is told of once. */
export const withRecords = (evidence: readonly CallRecord[], more: readonly CallRecord[]): CallRecord[] => {
  const repeats = (record: CallRecord) =>
    waits.includes(record.result) &&
    evidence.some(
      ({ url, format, attempt, result }) =>
        url === record.url &&
        format === record.format &&
        attempt === record.attempt &&
        result === record.result,
    );
  return [...evidence, ...more.filter((record) => !repeats(record))];
};

/** How often the webhook has failed: calls, and turns that were not waited for any longer. */
export const triesOf = (evidence: readonly CallRecord[], target: CallTarget): number =>
  evidence.filter(isOf(target)).filter(({ result }) => !waits.includes(result)).length;

/** How often the webhook has been called. */
export const callsOf = (evidence: readonly CallRecord[], target: CallTarget): number =>
  evidence.filter(isOf(target)).filter(({ requestHash, keptFrom }) => requestHash !== null && !keptFrom)
    .length;

/** Since when the webhook's host is waited for, in milliseconds since the epoch; null when it never was. */
export const waitingSince = (evidence: readonly CallRecord[], target: CallTarget): number | null => {
  const first = evidence.filter(isOf(target)).find(({ result }) => result === 'circuit_open');
  return first ? Date.parse(first.at) : null;
};

/** Longer refs name nobody. */
const mostRefLength = 256;

/** The refs of an answer as the evidence keeps them. */
export const shownRefs = (refs: readonly string[]): string[] =>
  refs.map((ref) => ref.slice(0, mostRefLength));
