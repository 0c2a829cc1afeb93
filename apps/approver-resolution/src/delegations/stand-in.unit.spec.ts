import fc from 'fast-check';
import type { PersonRow } from '../directory/user.rows';
import type { Delegation, Delegations } from './delegation.rows';
import { standInFor } from './stand-in';

const now = new Date('2026-11-21T09:00:00.000Z');
const day = 86_400_000;

const personOf = (id: string, active = true): PersonRow => ({
  workspace_id: 'w',
  id,
  external_id: null,
  user_name: `${id}@test`,
  display_name: id,
  email: null,
  active,
  version: '1',
});

let made = 0;
const delegation = (from: string, to: PersonRow | null, more: Partial<Delegation> = {}): Delegation => ({
  id: `d${String(made++).padStart(6, '0')}`,
  fromId: from,
  to,
  unknownTo: null,
  startsAt: now.getTime() - day,
  endsAt: Date.parse('2026-12-03T00:00:00Z'),
  workflows: null,
  ...more,
});
const graph = (...list: Delegation[]): Delegations => {
  const all = new Map<string, Delegation[]>();
  for (const one of list) all.set(one.fromId, [...(all.get(one.fromId) ?? []), one]);
  return all;
};
const rule = (...forbidden: string[]) => ({ workflow: 'orders', forbidden });
const [alice, bob, carol, gone] = [
  personOf('Alice'),
  personOf('Bob'),
  personOf('Carol'),
  personOf('Gone', false),
];
const who = (person: PersonRow, delegations: Delegations, ...forbidden: string[]) => {
  const { holder, via, substitution } = standInFor(person, delegations, rule(...forbidden), now);
  return [holder.id, ...via, substitution];
};

describe('standing in', () => {
  it('is for nobody who has arranged nothing', () => {
    expect(who(alice, graph())).toEqual(['Alice', null]);
  });

  it('says for whom and until when', () => {
    expect(who(alice, graph(delegation('Alice', bob)))).toEqual([
      'Bob',
      'stands in for Alice until 3 December',
    ]);
    const farOff = delegation('Alice', bob, { endsAt: Date.parse('2027-01-02T12:00:00Z') });
    expect(who(alice, graph(farOff))).toEqual(['Bob', 'stands in for Alice until 2 January 2027']);
  });

  it('says which delegations led there, in their order, and what was an absence', () => {
    const [first, absence] = [delegation('Alice', bob), delegation('Bob', carol, { id: null })];
    const of = (delegations: Delegations, ...forbidden: string[]) =>
      standInFor(alice, delegations, rule(...forbidden), now).delegations;
    expect(of(graph(first, absence))).toEqual([first.id, null]);
    expect(of(graph(first, absence), 'Carol')).toEqual([first.id]);
    expect(of(graph(first, absence), 'Bob')).toEqual([]);
    expect(of(graph())).toEqual([]);
  });

  it('follows a chain, and lasts as long as the shortest of it', () => {
    const sooner = delegation('Bob', carol, { endsAt: Date.parse('2026-11-30T00:00:00Z') });
    expect(who(alice, graph(delegation('Alice', bob), sooner))).toEqual([
      'Carol',
      'Bob',
      'stands in for Alice until 30 November',
    ]);
  });

  it('is for the workflows that a delegation names', () => {
    const others = delegation('Alice', bob, { workflows: ['travel'] });
    expect(who(alice, graph(others))).toEqual(['Alice', null]);
    const own = delegation('Alice', carol, { workflows: ['orders'] });
    expect(who(alice, graph(own, others, delegation('Alice', bob)))[0]).toBe('Carol');
  });

  it('passes over who is not active: the chain goes on, or the delegator keeps the task', () => {
    expect(who(alice, graph(delegation('Alice', gone), delegation('Gone', carol)))[0]).toBe('Carol');
    expect(who(alice, graph(delegation('Alice', gone)))).toEqual([
      'Alice',
      'whose stand-in Gone is not active',
    ]);
  });

  it('leads neither to nor past somebody who may not decide', () => {
    const delegations = graph(delegation('Alice', bob), delegation('Bob', carol));
    expect(who(alice, delegations, 'Bob')).toEqual(['Alice', 'whose stand-in Bob may not decide here']);
    expect(who(alice, delegations, 'Carol')).toEqual(['Bob', 'stands in for Alice until 3 December']);
    expect(who(alice, delegations, 'Alice')).toEqual(['Alice', null]);
  });

  it('of an absence comes after what was arranged; without a delegate only the reason tells of it', () => {
    const away = (to: PersonRow | null, unknownTo: string | null = null) =>
      delegation('Alice', to, { id: null, unknownTo });
    expect(who(alice, graph(away(bob), delegation('Alice', carol)))[0]).toBe('Carol');
    expect(who(alice, graph(away(bob)))).toEqual(['Bob', 'stands in for Alice until 3 December']);
    expect(who(alice, graph(away(null)))).toEqual(['Alice', 'is out of office until 3 December']);
    expect(who(alice, graph(away(null, 'bobb')))).toEqual([
      'Alice',
      'whose stand-in bobb is not in the directory',
    ]);
  });

  it('ends in any web of delegations, with somebody active who may decide, and always the same', () => {
    const ids = Array.from({ length: 8 }, (_, n) => `p${n}`);
    const some = fc.subarray(ids);
    const edges = fc.array(
      fc.record({
        from: fc.constantFrom(...ids),
        to: fc.option(fc.constantFrom(...ids), { freq: 8 }),
        isAbsence: fc.boolean(),
        workflows: fc.option(fc.subarray(['orders', 'travel'], { minLength: 1 })),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(edges, some, some, (list, inactive, forbidden) => {
        const people = new Map(ids.map((id) => [id, personOf(id, !inactive.includes(id))]));
        const delegations = list.map(({ from, to, isAbsence, workflows }) =>
          delegation(from, people.get(to ?? '') ?? null, isAbsence ? { id: null } : { workflows }),
        );
        for (const person of people.values()) {
          if (!person.active) continue;
          const found = standInFor(person, graph(...delegations), rule(...forbidden), now);
          const { holder, via } = found;
          const onTheWay = [person.id, ...via, holder.id];
          if (holder.id !== person.id) {
            expect(holder.active).toBe(true);
            expect(onTheWay.filter((id) => forbidden.includes(id))).toEqual([]);
            expect(new Set(onTheWay).size).toBe(onTheWay.length);
          }
          const shuffled = graph(...[...delegations].reverse());
          const again = standInFor(person, shuffled, rule(...forbidden), now);
          if (delegations.every(({ id }) => id !== null)) expect(again).toEqual(found);
        }
      }),
      { numRuns: 500 },
    );
  });
});
