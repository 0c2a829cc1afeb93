import { PoisonMessage } from '@countersign/messaging';
import { durationToMs, type ResolvableSource } from '@countersign/workflow';

/** A source that needs only the directory, or a webhook that is asked for refs. */
export type ApproverSource =
  | { kind: 'user'; ref: string }
  | { kind: 'group'; ref: string }
  | { kind: 'manager'; levels: number }
  | { kind: 'webhook'; url: string; timeoutMs: number };

/** Climbing further than this finds nobody who knows the request. */
const highestLevel = 20;
const usualTimeoutMs = 10_000;
const longestTimeoutMs = 60_000;

/** Reads the sources that routing sends. Throws PoisonMessage for one that this version does not know. */
export const readSources = (sources: readonly Record<string, unknown>[]): ApproverSource[] =>
  sources.map((source) => readSource(source as ResolvableSource));

const readSource = (source: ResolvableSource): ApproverSource => {
  if ('user' in source && typeof source.user === 'string') return { kind: 'user', ref: source.user };
  if ('group' in source && typeof source.group === 'string') return { kind: 'group', ref: source.group };
  if ('manager' in source && source.manager?.of === 'requester' && Number.isInteger(source.manager.levels)) {
    return { kind: 'manager', levels: Math.max(1, Math.min(highestLevel, source.manager.levels)) };
  }
  if (
    'webhook' in source &&
    source.webhook?.format === 'easylife' &&
    typeof source.webhook.url === 'string'
  ) {
    const { url, timeout } = source.webhook;
    const timeoutMs = durationToMs(timeout ?? '') ?? usualTimeoutMs;
    return { kind: 'webhook', url, timeoutMs: Math.max(1, Math.min(longestTimeoutMs, timeoutMs)) };
  }
  // Leaving a source out would let a stage be decided by fewer people than its author meant.
  throw new PoisonMessage(`unknown approver source: ${JSON.stringify(source).slice(0, 200)}`);
};
