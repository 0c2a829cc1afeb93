import { requesterOf, resolve, type Organisation } from '../../test/fake-directory';
import { NOW, person, workflow } from '../../test/given';
import { compareReplays, inLockstep, replayRequest, type GivenDecision, type SimulationInput } from '..';

const PEOPLE = ['rita', 'mona', 'fay', 'fred', 'lou', 'boss'];
const organisation: Organisation = {
  groups: { finance: ['fay', 'fred'], legal: ['lou'] },
  roles: {},
  managers: { rita: 'mona' },
  limits: {},
  inactive: [],
};

const subject = { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } };
const manager = { key: 'manager', title: 'Line manager', approvers: [{ manager: {} }] };
const finance = (over: object = {}) => ({
  key: 'finance',
  title: 'Finance',
  when: 'payload.amount > 1000',
  approvers: [{ group: 'finance' }],
  ...over,
});
const of = (...stages: object[]) => workflow({ subject, stages });

const says = (stage: string, by: string, decision: GivenDecision['decision'] = 'approve'): GivenDecision => ({
  stage,
  by: person(by),
  decision,
});

/** What differs for a request over 1200, or another amount. */
async function differences(
  before: SimulationInput['definition'],
  after: SimulationInput['definition'],
  decisions: GivenDecision[] = [],
  amount = 1200,
): Promise<string[]> {
  let ids = 0;
  const input = (definition: SimulationInput['definition']): SimulationInput => ({
    definition,
    payload: { amount },
    requester: requesterOf(person('rita'), organisation),
    workflow: { id: 'w1', key: 'w', version: 1 },
    title: 'Chairs',
    reason: null,
    decisions,
    now: NOW,
    newId: () => `id-${(ids += 1)}`,
  });
  const [was, is] = await inLockstep(
    [replayRequest(input(before)), replayRequest(input(after))],
    async (asked) => asked.map(({ question }) => resolve(question, organisation, PEOPLE)),
  );
  if (!was || !is) throw new Error('no result');
  return compareReplays(was, is);
}

describe('what another version would have done', () => {
  it('is nothing when it asks the same people for the same', async () => {
    const before = of(manager, finance());
    expect(await differences(before, before, [says('manager', 'mona'), says('finance', 'fred')])).toEqual([]);
    const renamed = of({ ...manager, sla: 'PT1H' }, finance({ when: 'payload.amount >= 1000' }));
    expect(await differences(before, renamed)).toEqual([]);
  });

  it('names stages that are asked or left out, and why', async () => {
    const before = of(manager, finance());
    expect(await differences(of(manager), before)).toEqual(['Finance is asked: amount is 1200, above 1000.']);
    expect(await differences(of(manager), of(manager, finance({ when: 'true' })))).toEqual([
      'Finance is asked: the condition true is met.',
    ]);
    const always = { ...manager, key: 'always', title: 'Always' };
    expect(await differences(of(manager), of(manager, always))).toEqual(['Always is asked.']);
    expect(await differences(before, of(manager))).toEqual([
      'Finance is not asked: the version has no such stage.',
    ]);
    expect(await differences(before, of(manager, finance({ when: 'payload.amount > 5000' })))).toEqual([
      'Finance is skipped: amount is 1200, Finance starts above 5000.',
    ]);
    expect(await differences(before, of(manager), [], 500)).toEqual([]);
  });

  it('names people who are asked or not, how many must approve, and in which order', async () => {
    const before = of(finance());
    expect(
      await differences(before, of(finance({ approvers: [{ user: 'fred' }, { group: 'legal' }] }))),
    ).toEqual([
      'Finance also asks lou@example.com (Member of the group legal).',
      'Finance does not ask fay@example.com.',
    ]);
    expect(await differences(before, of(finance({ quorum: 'all' })))).toEqual([
      'Finance: 2 of 2 approvers must approve. It was: 1 of 2 approvers must approve.',
    ]);
    const oneByOne = (...names: string[]) =>
      of(finance({ order: 'sequential', approvers: names.map((user) => ({ user })) }));
    expect(await differences(oneByOne('fay', 'fred'), oneByOne('fred', 'fay'))).toEqual([
      'Finance asks fred@example.com and fay@example.com in this order.',
    ]);
    const webhook = { webhook: { url: 'https://erp.example.com/who?key=1' } };
    expect(await differences(before, of(finance({ approvers: [{ group: 'finance' }, webhook] })))).toEqual([
      'Finance also asks whom https://erp.example.com/who names.',
    ]);
  });

  it('makes the decisions that were made where they still can be, whenever that is', async () => {
    const before = of(manager, finance());
    const swapped = of(finance(), manager);
    const decisions = [says('manager', 'mona'), says('finance', 'fay', 'reject')];
    expect(await differences(before, swapped, decisions)).toEqual([
      'Line manager is not asked: the request ends before.',
    ]);
    expect(await differences(before, of(manager, finance({ reject: 'unreachable' })), decisions)).toEqual([
      'The outcome would be approved, was rejected.',
    ]);
    expect(await differences(before, of(manager, finance({ onReject: 'return' })), decisions)).toEqual([
      'The outcome would be returned to the requester, was rejected.',
    ]);
  });

  it('says why it would fail', async () => {
    const after = of(manager, finance({ approvers: [{ user: 'rita' }] }));
    expect(await differences(of(manager, finance()), after)).toEqual([
      'Finance fails before anybody is asked.',
      'The outcome would be failed (Nobody could be identified to approve the stage Finance ' +
        '(rita: may not approve here)), was approved.',
    ]);
  });
});
