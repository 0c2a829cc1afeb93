import fc from 'fast-check';
import type { TrailEntry } from '../runs/trail-entry';
import { inOrder } from './in-order';

const entry = (index: number, requestVersion: number, type = 'task.reminded'): TrailEntry => ({
  index,
  type,
  at: '2026-11-21T09:00:00.000Z',
  requestVersion,
  workflowKey: 'w',
  content: {},
  region: null,
  department: null,
});

describe('entries of a request', () => {
  it('have their turn once, in order, however their transitions stand in the log and are read', () => {
    const transitions = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(transitions, fc.constantFrom(1, 2), fc.infiniteStream(fc.nat()), (sizes, first, random) => {
        const all = sizes.map((size, at) =>
          Array.from({ length: size }, (_, n) =>
            entry(0, first + at, at + n === 0 ? 'request.created' : undefined),
          ),
        );
        const log = all
          .map((list) => ({ list, place: random.next().value }))
          .sort((a, b) => a.place - b.place)
          .map(({ list }) => list);
        let index = 0;
        for (const list of log) for (const one of list) one.index = index++;
        let version = 0;
        let waiting: TrailEntry[] = [];
        const taken: TrailEntry[] = [];
        while (log.length > 0) {
          const pack = log.splice(0, 1 + (random.next().value % 3)).flat();
          const turn = inOrder(version, [...waiting, ...pack]);
          ({ version, waiting } = turn);
          taken.push(...turn.due);
        }
        expect(waiting).toEqual([]);
        expect(taken).toEqual(all.flat());
        expect(version).toBe(first + sizes.length - 1);
      }),
    );
  });

  it('wait as long as an earlier transition is missing, and for ever when the first one is', () => {
    const created = entry(0, 2, 'request.created');
    expect(inOrder(0, [created, entry(1, 4)])).toEqual({
      version: 2,
      due: [created],
      waiting: [entry(1, 4)],
    });
    expect(inOrder(0, [entry(1, 3)])).toEqual({ version: 0, due: [], waiting: [entry(1, 3)] });
  });
});
