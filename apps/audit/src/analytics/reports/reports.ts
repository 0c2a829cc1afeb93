import { percentilesOf } from '../durations/histogram';
import { requestOutcomes, stageOutcomes } from '../runs/measure';
import type { Grouping } from './totals.rows';
import { noTotal, type Line, type Total } from './totals.rows';

/** What a line of a report is about; without a grouping nothing. */
export type LineKey = Partial<Record<Grouping, string | null>>;

export const keyOf = (
  groupBy: Grouping | null,
  { workflow, value }: Pick<Line, 'workflow' | 'value'>,
): LineKey => {
  switch (groupBy) {
    case 'stage':
      return { workflow, stage: value };
    case 'workflow':
      return { workflow };
    case 'group':
      return { group: value };
    case 'region':
      return { region: value };
    case 'department':
      return { department: value };
    case null:
      return {};
  }
};

const percents = [50, 90, 99] as const;

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const durations = (total: Total) => {
  const count = [...total.histogram.values()].reduce((sum, one) => sum + one, 0);
  const [p50Ms, p90Ms, p99Ms] = percentilesOf(total.histogram, percents);
  return {
    count,
    p50Ms,
    p90Ms,
    p99Ms,
    meanMs: count === 0 ? null : Math.round(total.counts.duration_ms / count),
  };
};

const of = ({ totals }: Line, kind: string): Total => totals[kind] ?? noTotal();

export interface Report {
  /** The kinds of measures that it is made of. */
  kinds: readonly string[];
  line(line: Line, groupBy: Grouping | null, days: number): Record<string, unknown>;
  /** What a line is about in numbers: those with the most come first. */
  weight(line: Line): number;
}

/** Of requests nothing is known stage by stage. */
const ofRequests = <T>(groupBy: Grouping | null, value: T): T | null => (groupBy === 'stage' ? null : value);

const ended = (line: Line) => of(line, 'ended').n + of(line, 'stage_ended').n;

export const cycleTimes: Report = {
  kinds: ['ended', 'stage_ended'],
  weight: ended,
  line: (line, groupBy) => ({
    requests: ofRequests(groupBy, durations(of(line, 'ended'))),
    stages: durations(of(line, 'stage_ended')),
  }),
};

export const throughput: Report = {
  kinds: ['submitted', 'resubmitted', 'ended', 'stage_started', 'stage_ended'],
  weight: ended,
  line: (line, groupBy, days) => {
    const submissions = (kind: string) => (groupBy === 'group' ? null : of(line, kind).n);
    const { n } = of(line, 'ended');
    return {
      requests: ofRequests(groupBy, {
        submitted: submissions('submitted'),
        resubmitted: submissions('resubmitted'),
        ended: n,
        endedPerDay: n / days,
      }),
      stages: {
        started: of(line, 'stage_started').n,
        ended: of(line, 'stage_ended').n,
        endedPerDay: of(line, 'stage_ended').n / days,
      },
    };
  },
};

export const outcomes: Report = {
  kinds: ['ended', 'stage_ended'],
  weight: ended,
  line: (line, groupBy) => {
    const { n, counts } = of(line, 'ended');
    const stages = of(line, 'stage_ended');
    return {
      requests: ofRequests(groupBy, {
        ended: n,
        ...Object.fromEntries(requestOutcomes.map((outcome) => [outcome, counts[outcome]])),
        abandoned: counts.abandoned,
        overridden: counts.overridden,
        returned: counts.sent_back,
        returns: counts.returns,
        breached: counts.breached,
        straightThrough: counts.straight_through,
        rates: {
          completion: share(counts.completed, n),
          rejection: share(counts.rejected, n),
          return: share(counts.sent_back, n),
          abandonment: share(counts.abandoned, n),
          exception: share(counts.failed + counts.overridden, n),
          breach: share(counts.breached, n),
          straightThrough: share(counts.straight_through, n),
        },
      }),
      stages: {
        ended: stages.n,
        ...Object.fromEntries(stageOutcomes.map((outcome) => [outcome, stages.counts[outcome]])),
        breached: stages.counts.breached,
        breachRate: share(stages.counts.breached, stages.n),
      },
    };
  },
};
