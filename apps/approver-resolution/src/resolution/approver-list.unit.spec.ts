import fc from 'fast-check';
import type { Delegation } from '../delegations/delegation.rows';
import type { PersonRow } from '../directory/user.rows';
import { ApproverList } from './approver-list';

const row = (n: number): PersonRow => ({
  workspace_id: 'w',
  id: `user-${n}`,
  external_id: null,
  user_name: `user${n}@example.com`,
  display_name: `User ${n}`,
  email: null,
  active: true,
  version: '1',
});

describe('a list of approvers', () => {
  it('ends after many more than a stage asks, and still says who else names its people', () => {
    const list = new ApproverList({ exclude: [], requesterId: 'rita' });
    for (let n = 0; n < 6_000; n++) list.ofSource(0).add(row(n), `user${n}`, 'Member of the group everybody');
    list.ofSource(1).add(row(7), 'user7', 'Named in the workflow');
    const { approvers } = list.answer(new Map(), new Date());
    expect(approvers).toHaveLength(5_000);
    expect(approvers[7]).toMatchObject({ sources: [0, 1], person: { id: 'user-7' } });
  });

  it('whoever stands in for whom, has nobody who is inactive or may not decide, no vote twice, and is always the same', () => {
    const ids = Array.from({ length: 7 }, (_, n) => `p${n}`);
    const some = fc.subarray(ids);
    const one = fc.constantFrom(...ids);
    const arbitrary = fc.record({
      sources: fc.array(fc.array(one, { maxLength: 6 }), { maxLength: 4 }),
      delegations: fc.array(fc.record({ from: one, to: one }), { maxLength: 20 }),
      inactive: some,
      excluded: some,
    });
    fc.assert(
      fc.property(arbitrary, ({ sources, delegations, inactive, excluded }) => {
        const people = new Map(
          ids.map((id, n) => [id, { ...row(n), id, active: !inactive.includes(id) }] as const),
        );
        const arranged = new Map<string, Delegation[]>();
        delegations.forEach(({ from, to }, n) => {
          const rest = { unknownTo: null, startsAt: 0, endsAt: Infinity, workflows: null };
          const made = { id: `d${n}`, fromId: from, to: people.get(to) ?? null, ...rest };
          arranged.set(from, [...(arranged.get(from) ?? []), made]);
        });
        const forbidden = [...excluded, 'p0'];
        const answer = () => {
          const list = new ApproverList({
            exclude: forbidden,
            requesterId: 'p0',
            delegations: { workflow: 'orders', forbidden },
          });
          sources.forEach((named, at) => {
            for (const id of named) list.ofSource(at).add(people.get(id)!, id, `Source ${at}`);
          });
          return list.answer(arranged, new Date());
        };
        const { approvers } = answer();
        for (const { person, onBehalfOf } of approvers) {
          for (const id of [person.id, onBehalfOf?.id ?? person.id]) {
            expect(forbidden).not.toContain(id);
            expect(inactive).not.toContain(id);
          }
        }
        const voters = approvers.map(({ person, onBehalfOf }) => (onBehalfOf ?? person).id);
        const fit = ids.filter((id) => !forbidden.includes(id) && !inactive.includes(id));
        expect(voters.sort()).toEqual(fit.filter((id) => sources.flat().includes(id)));
        expect(answer()).toEqual({ ...answer(), approvers });
      }),
      { numRuns: 500 },
    );
  });
});
