import fc from 'fast-check';
import { v7 } from 'uuid';
import { happeningsOf, requestsByHand, type RawEntry } from '../../../test/analytics-by-hand';
import { histories, RequestHistory } from '../../../test/request-history';
import { entriesOf } from '../../log/transition-entries';
import { followRequest } from './follow-request';
import type { Measure } from './measure';
import type { RequestRun } from './request-run';
import type { TrailEntry } from './trail-entry';

const start = new Date('2026-03-01T09:00:00.000Z');

const rawEntries = (history: RequestHistory): RawEntry[] =>
  history.transitions
    .flatMap(entriesOf)
    .map(({ personal, ...entry }, index) => ({ ...entry, index, sealed: personal }));

const trailOf =
  ({ region, department }: { region: string | null; department: string | null }) =>
  (entry: RawEntry): TrailEntry => ({
    ...entry,
    requestVersion: entry.requestVersion!,
    workflowKey: 'w',
    ...(entry.type === 'request.created' ? { region, department } : { region: null, department: null }),
  });

const simple = (measure: Measure) => ({
  kind: measure.kind,
  at: measure.at,
  groups: measure.groups,
  stage: 'stageKey' in measure ? measure.stageKey : null,
  outcome: 'outcome' in measure ? measure.outcome : null,
});
const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

describe('a request that the decider has led through its workflow', () => {
  it('comes to the same runs and measures as its entries looked at one by one, wherever it is interrupted', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.boolean()), (plan, cuts) => {
        const entries = rawEntries(new RequestHistory(v7(), plan, start));
        const [request] = requestsByHand(entries);
        const trail = entries.map(trailOf(plan));
        let run: RequestRun | null = null;
        const measures: Measure[] = [];
        let pack: TrailEntry[] = [];
        trail.forEach((entry, index) => {
          pack.push(entry);
          if (index < trail.length - 1 && !cuts.next().value) return;
          const followed = followRequest(JSON.parse(JSON.stringify(run)), pack);
          run = followed.run;
          measures.push(...followed.measures);
          pack = [];
        });
        const kinds = { started: 'stage_started', left: 'stage_ended' } as Record<string, string>;
        const expected = happeningsOf(request!).map(({ kind, at, groups, stage }) => ({
          kind: kinds[kind] ?? kind,
          at,
          groups: [...groups].sort(),
          stage: stage?.key ?? null,
          outcome: kind === 'left' ? stage!.outcome : kind === 'ended' ? request!.ended!.outcome : null,
        }));
        expect(measures.map(simple).sort(byText)).toEqual(expected.sort(byText));
        const { stages, tasks, region, department } = run! as RequestRun;
        const open = request!.stages.filter(({ left }) => left === null);
        expect(Object.keys(stages).sort()).toEqual(open.map(({ key }) => key).sort());
        expect(Object.keys(tasks)).toHaveLength(open.flatMap(({ openTasks }) => openTasks).length);
        expect([region, department]).toEqual([plan.region, plan.department]);
        for (const measure of measures)
          if ('outcome' in measure) reached.add(`${measure.kind} ${measure.outcome}`);
      }),
      { numRuns: 600 },
    );
    expect([...reached].sort()).toEqual([
      'ended canceled',
      'ended completed',
      'ended expired',
      'ended failed',
      'ended rejected',
      'stage_ended approved',
      'stage_ended canceled',
      'stage_ended expired',
      'stage_ended failed',
      'stage_ended rejected',
      'stage_ended reopened',
      'stage_ended returned',
      'stage_ended skipped',
    ]);
  });
});
