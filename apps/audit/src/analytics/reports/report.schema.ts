const count = { type: 'integer', minimum: 0 };
const countOrNull = { type: ['integer', 'null'], minimum: 0 };
const milliseconds = { type: ['number', 'null'], minimum: 0 };
const rate = { type: ['number', 'null'], minimum: 0, maximum: 1 };
const number = { type: 'number', minimum: 0 };
const time = { type: 'string', format: 'date-time' };
const text = { type: ['string', 'null'] };

const object = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const orNull = (schema: { type: string }) => ({ ...schema, type: [schema.type, 'null'] });
const all = (names: readonly string[], schema: object) =>
  Object.fromEntries(names.map((name) => [name, schema]));

const keys = all(['workflow', 'stage', 'group', 'region', 'department'], text);

/** A report: lines, and how much of the log they rest on. */
const report = (more: Record<string, object>, line: Record<string, object>) => ({
  type: 'object',
  required: [...Object.keys(more), 'groupBy', 'entries', 'complete', 'data', 'omitted'],
  properties: {
    ...more,
    groupBy: text,
    entries: { ...count, description: 'The numbers rest on the first so many entries of the log' },
    complete: { type: 'boolean', description: 'These are all entries that there are' },
    data: {
      type: 'array',
      items: { type: 'object', required: Object.keys(line), properties: { ...keys, ...line } },
    },
    omitted: { ...count, description: 'Lines left out beyond the 1,000 with the most' },
  },
});

const period = { from: time, to: time };
const durations = object({ count, ...all(['p50Ms', 'p90Ms', 'p99Ms', 'meanMs'], milliseconds) });

export const cycleTimesSchema = report(period, { requests: orNull(durations), stages: durations });

export const throughputSchema = report(period, {
  requests: orNull(
    object({ submitted: countOrNull, resubmitted: countOrNull, ended: count, endedPerDay: number }),
  ),
  stages: object({ started: count, ended: count, endedPerDay: number }),
});

export const outcomesSchema = report(period, {
  requests: orNull(
    object({
      ...all(
        [
          'ended',
          'completed',
          'rejected',
          'canceled',
          'expired',
          'failed',
          'abandoned',
          'overridden',
          'returned',
          'returns',
          'breached',
          'straightThrough',
        ],
        count,
      ),
      rates: object(
        all(
          ['completion', 'rejection', 'return', 'abandonment', 'exception', 'breach', 'straightThrough'],
          rate,
        ),
      ),
    }),
  ),
  stages: object({
    ...all(
      [
        'ended',
        'approved',
        'rejected',
        'returned',
        'expired',
        'canceled',
        'failed',
        'skipped',
        'reopened',
        'breached',
      ],
      count,
    ),
    breachRate: rate,
  }),
});

export const bottlenecksSchema = report(
  { from: text, to: text, asOf: time },
  {
    ...all(['stages', 'requests', 'unassigned', 'openTasks', 'breached'], count),
    oldestSince: text,
    oldestTaskAt: text,
    ...all(['p50Ms', 'p90Ms', 'p99Ms', 'maxMs'], milliseconds),
  },
);

export const rebuildSchema = object({ entries: count, complete: { type: 'boolean' } });
