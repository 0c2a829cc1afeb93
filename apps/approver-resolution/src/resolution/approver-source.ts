import { isUuid } from '@countersign/contracts';
import { PoisonMessage } from '@countersign/messaging';
import { durationToMs, type ResolvableSource } from '@countersign/workflow';

/** What is said to a resolver webhook, and what it answers. */
export type ResolverFormat = 'easylife' | 'countersign';

export interface WebhookSource {
  kind: 'webhook';
  url: string;
  format: ResolverFormat;
  timeoutMs: number;
}

/** Everybody above a user up to so many levels. */
export interface LevelsSource {
  kind: 'levels';
  of: string;
  levels: number;
}

/** Everybody above a user up to the first whose approval limit covers an amount. */
export interface LimitSource {
  kind: 'limit';
  of: string;
  amount: number;
}

/** A user; `by` is what names them when the workflow does not do so itself. */
export interface UserSource {
  kind: 'user';
  ref: string;
  by: string | null;
}

/** A source that needs only the directory, or a webhook that is asked for refs. */
export type ApproverSource =
  | UserSource
  | { kind: 'group'; ref: string }
  | { kind: 'role'; role: string }
  | LevelsSource
  | LimitSource
  | WebhookSource;

/** Climbing further than this finds nobody who knows the request. */
const mostLevels = 20;
const usualTimeoutMs = 10_000;
const longestTimeoutMs = 60_000;

/** Reads the sources that routing sends. Throws PoisonMessage for one that this version does not know. */
export const readSources = (sources: readonly Record<string, unknown>[]): ApproverSource[] =>
  sources.map((source) => readSource(source as ResolvableSource));

const readSource = (source: ResolvableSource): ApproverSource => {
  if ('user' in source && typeof source.user === 'string') {
    return { kind: 'user', ref: source.user, by: typeof source.by === 'string' ? source.by : null };
  }
  if ('group' in source && typeof source.group === 'string') return { kind: 'group', ref: source.group };
  if ('role' in source && typeof source.role === 'string') return { kind: 'role', role: source.role };
  if ('manager' in source && isUuid(source.manager?.of)) {
    const { manager } = source;
    if ('levels' in manager && Number.isInteger(manager.levels)) {
      return { kind: 'levels', of: manager.of, levels: Math.max(1, Math.min(mostLevels, manager.levels)) };
    }
    if ('untilLimit' in manager && Number.isFinite(manager.untilLimit)) {
      return { kind: 'limit', of: manager.of, amount: manager.untilLimit };
    }
  }
  if (
    'webhook' in source &&
    (source.webhook?.format === 'easylife' || source.webhook?.format === 'countersign') &&
    typeof source.webhook.url === 'string'
  ) {
    const { url, format, timeout } = source.webhook;
    const timeoutMs = durationToMs(timeout ?? '') ?? usualTimeoutMs;
    return { kind: 'webhook', url, format, timeoutMs: Math.max(1, Math.min(longestTimeoutMs, timeoutMs)) };
  }
  // Leaving a source out would let a stage be decided by fewer people than its author meant.
  throw new PoisonMessage(`unknown approver source: ${JSON.stringify(source).slice(0, 200)}`);
};
