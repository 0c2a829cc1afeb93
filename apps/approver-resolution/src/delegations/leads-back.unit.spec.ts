import fc from 'fast-check';
import type { PersonRow } from '../directory/user.rows';
import type { Delegation, Period } from './delegation.rows';
import { leadsBack, type Wanted } from './leads-back';

const personOf = (id: string): PersonRow => ({
  workspace_id: 'w',
  id,
  external_id: null,
  user_name: id,
  display_name: id,
  email: null,
  active: true,
  version: '1',
});
const kept = ({ fromId, toId, ...terms }: Wanted, index: number): Delegation => ({
  id: `d${index}`,
  fromId,
  to: personOf(toId),
  unknownTo: null,
  ...terms,
});
const among =
  (list: readonly Wanted[]) =>
  async (people: readonly string[], { from, to }: Period) =>
    list
      .map(kept)
      .filter(
        ({ fromId, startsAt, endsAt }) =>
          people.includes(fromId) && endsAt > from.getTime() && startsAt < to.getTime(),
      );

const ids = ['a', 'b', 'c', 'd', 'e'];
const workflowKeys = ['orders', 'travel'];
const wantedArbitrary = fc
  .record({
    fromId: fc.constantFrom(...ids),
    toId: fc.constantFrom(...ids),
    startsAt: fc.integer({ min: 0, max: 9 }),
    days: fc.integer({ min: 1, max: 5 }),
    workflows: fc.option(fc.subarray(workflowKeys, { minLength: 1 })),
  })
  .filter(({ fromId, toId }) => fromId !== toId)
  .map(({ days, ...wanted }): Wanted => ({ ...wanted, endsAt: wanted.startsAt + days }));

/** Whether, at one moment and for one workflow, following the delegations comes back to somebody. */
const hasCircle = (list: readonly Wanted[]): boolean => {
  const reaches = (from: string, to: string, seen: string[]): boolean =>
    list.some(
      ({ fromId, toId }) =>
        fromId === from && (toId === to || (!seen.includes(toId) && reaches(toId, to, [...seen, toId]))),
    );
  return ids.some((id) => reaches(id, id, []));
};
const hasCircleSometime = (list: readonly Wanted[]): boolean =>
  Array.from({ length: 15 }, (_, at) => at).some((at) =>
    workflowKeys.some((key) =>
      hasCircle(
        list.filter(
          ({ startsAt, endsAt, workflows }) =>
            startsAt <= at && at < endsAt && (workflows === null || workflows.includes(key)),
        ),
      ),
    ),
  );

describe('a delegation that would lead back', () => {
  it('is exactly one that closes a circle at some moment for some workflow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wantedArbitrary, { maxLength: 15 }), async (list) => {
        const made: Wanted[] = [];
        for (const wanted of list) {
          const isRefused = await leadsBack(among(made), wanted);
          expect(isRefused).toBe(hasCircleSometime([...made, wanted]));
          if (!isRefused) made.push(wanted);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is looked for to the end in any web, also in one with circles of absences', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(wantedArbitrary, { maxLength: 25 }),
        wantedArbitrary,
        async (list, wanted) => {
          expect(typeof (await leadsBack(among(list), wanted))).toBe('boolean');
        },
      ),
      { numRuns: 300 },
    );
  });
});
