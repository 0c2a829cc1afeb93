import type { EntryFilter } from '../log/entry.rows';
import type { FormatName } from '../export/formats/format-of';

export const targetTypes = ['folder', 'bucket'] as const;

/** Below the workspace's own folder of what the deployment has configured. */
export interface Target {
  type: (typeof targetTypes)[number];
  /** `a/b`; empty for none. */
  path: string;
}

export interface Schedule {
  id: string;
  workspaceId: string;
  name: string;
  format: FormatName;
  every: string;
  everySeconds: number;
  filter: EntryFilter;
  target: Target;
  state: 'active' | 'paused';
  nextIndex: number;
  dueAt: Date;
  failures: number;
  lastError: string | null;
  version: number;
  keyId: string;
  createdAt: Date;
}

export interface Run {
  id: string;
  from: number;
  to: number;
  treeSize: number;
  checkpoint: string;
  file: string;
  /** `failed`: what it was to export has been pruned; everything else is tried again. */
  state: 'running' | 'done' | 'failed';
  attempts: number;
  entries: number | null;
  bytes: number | null;
  sha256: string | null;
  error: string | null;
  startedAt: Date;
  endedAt: Date | null;
}

const leastSeconds = 60;
const mostSeconds = 366 * 86_400;

/** Seconds of an ISO 8601 duration of days, hours, minutes and seconds, from a minute to a year; null for another. */
export const secondsOf = (every: string): number | null => {
  const match = /^P(?=.)(?:(\d{1,3})D)?(?:T(?=.)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/.exec(every);
  if (!match) return null;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const total = (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0);
  return total >= leastSeconds && total <= mostSeconds ? total : null;
};

export const scheduleView = (schedule: Schedule) => {
  const { id, name, format, every, filter, target, state, nextIndex, dueAt, failures, lastError, version } =
    schedule;
  const { allowed, ...asked } = filter;
  return {
    id,
    name,
    format,
    every,
    filter: asked,
    workflows: allowed,
    target,
    state,
    nextIndex,
    nextRunAt: state === 'active' ? dueAt.toISOString() : null,
    failures,
    lastError,
    version,
    createdAt: schedule.createdAt.toISOString(),
  };
};

export const runView = ({ startedAt, endedAt, checkpoint, from, to, ...run }: Run) => ({
  ...run,
  firstIndex: from,
  lastIndex: to - 1,
  startedAt: startedAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
});

const text = { type: 'string' };
const whole = { type: 'integer' };

export const scheduleSchema = {
  type: 'object',
  required: [
    'id',
    'name',
    'format',
    'every',
    'filter',
    'target',
    'state',
    'nextIndex',
    'failures',
    'lastError',
    'version',
  ],
  properties: {
    id: { type: 'string', format: 'uuid' },
    name: text,
    format: text,
    every: { type: 'string', description: 'ISO 8601 duration' },
    filter: { type: 'object' },
    workflows: { type: ['array', 'null'], items: text, description: 'Those of the key that made it' },
    target: {
      type: 'object',
      required: ['type', 'path'],
      properties: { type: { enum: [...targetTypes] }, path: text },
    },
    state: { enum: ['active', 'paused'] },
    nextIndex: { ...whole, description: 'Where the next run begins' },
    nextRunAt: { type: ['string', 'null'], format: 'date-time' },
    failures: { ...whole, description: 'In a row' },
    lastError: { type: ['string', 'null'] },
    version: whole,
    createdAt: { type: 'string', format: 'date-time' },
  },
};

export const runSchema = {
  type: 'object',
  required: ['id', 'state', 'firstIndex', 'lastIndex', 'treeSize', 'file', 'attempts', 'startedAt'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    state: { enum: ['running', 'done', 'failed'] },
    firstIndex: whole,
    lastIndex: whole,
    treeSize: whole,
    file: text,
    attempts: whole,
    entries: { type: ['integer', 'null'] },
    bytes: { type: ['integer', 'null'] },
    sha256: { type: ['string', 'null'], description: 'Of the file, hex' },
    error: { type: ['string', 'null'] },
    startedAt: { type: 'string', format: 'date-time' },
    endedAt: { type: ['string', 'null'], format: 'date-time' },
  },
};
