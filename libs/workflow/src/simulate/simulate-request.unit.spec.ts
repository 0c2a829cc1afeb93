import { requesterOf, resolve, type Organisation } from '../../test/fake-directory';
import { NOW, person, workflow } from '../../test/given';
import { inLockstep, simulateRequest, type GivenDecision, type SimulationInput } from '..';

const PEOPLE = ['rita', 'mona', 'fay', 'fred', 'lou', 'boss'];
const organisation: Organisation = {
  groups: { finance: ['fay', 'fred'], legal: ['lou'] },
  roles: {},
  managers: { rita: 'mona', mona: 'boss' },
  limits: { boss: 10_000 },
  inactive: [],
};

const order = workflow({
  reasonCodes: { approve: ['fine', 'urgent'], reject: ['budget'], return: ['unclear'] },
  stages: [
    { key: 'manager', title: 'Line manager', approvers: [{ manager: {} }], comment: 'required' },
    {
      parallel: [
        {
          key: 'finance',
          title: 'Finance',
          when: 'payload.amount > 1000',
          approvers: [{ group: 'finance' }],
          quorum: 'all',
          order: 'sequential',
        },
        { key: 'legal', when: 'payload.region == "EMEA"', approvers: [{ group: 'legal' }, { user: 'boss' }] },
      ],
    },
    { key: 'owner', title: 'Owner', approvers: [{ user: 'boss' }], distinctFrom: ['legal'] },
  ],
});

function inputFor(
  definition: SimulationInput['definition'],
  payload: unknown,
  decisions: GivenDecision[] = [],
) {
  let ids = 0;
  return {
    definition,
    payload,
    requester: requesterOf(person('rita'), organisation),
    workflow: { id: 'w1', key: 'w', version: 1 },
    title: 'Chairs',
    reason: null,
    decisions,
    now: NOW,
    newId: () => `id-${(ids += 1)}`,
  };
}

const answers = async (questions: { question: Parameters<typeof resolve>[0] }[]) =>
  questions.map(({ question }) => resolve(question, organisation, PEOPLE));

async function outcome(...args: Parameters<typeof inputFor>) {
  const [result] = await inLockstep([simulateRequest(inputFor(...args))], answers);
  if (!result) throw new Error('no result');
  return result;
}

async function simulate(...args: Parameters<typeof inputFor>) {
  const result = await outcome(...args);
  if (!result.ok) throw new Error(result.impossible.detail);
  const { state, stages } = result.request;
  return {
    state,
    stages: stages.map((stage) => [stage.key, stage.state, stage.explanation]),
    approvers: Object.fromEntries(
      stages.map(({ key, approvers }) => [key, approvers.map(({ userName, why }) => `${userName}: ${why}`)]),
    ),
  };
}

const says = (stage: string, by: string, decision: GivenDecision['decision'] = 'approve'): GivenDecision => ({
  stage,
  by: person(by),
  decision,
});

describe('a simulated request', () => {
  it('shows every stage with why it is asked or not, whom, why them, and how many must approve', async () => {
    expect(await simulate(order, { amount: 800, region: 'EMEA' })).toEqual({
      state: 'pending_review',
      stages: [
        ['manager', 'active', '1 of 1 approver must approve.'],
        ['finance', 'skipped', 'Skipped: amount is 800, Finance starts above 1000.'],
        ['legal', 'pending', 'Applies: region is EMEA. 1 of 2 approvers must approve.'],
        ['owner', 'pending', '1 of 1 approver must approve.'],
      ],
      approvers: {
        manager: ['mona@example.com: Above rita.'],
        finance: [],
        legal: ['lou@example.com: Member of the group legal.', 'boss@example.com: Named in the workflow.'],
        owner: ['boss@example.com: Named in the workflow.'],
      },
    });
  });

  it('runs the given decisions and goes on from there', async () => {
    const decisions = [says('manager', 'mona'), says('finance', 'fay')];
    expect(await simulate(order, { amount: 1200, region: 'AMER' }, decisions)).toEqual({
      state: 'pending_review',
      stages: [
        ['manager', 'approved', '1 of 1 approver must approve.'],
        [
          'finance',
          'active',
          'Applies: amount is 1200, above 1000. 2 of 2 approvers must approve, one after another.',
        ],
        ['legal', 'skipped', 'Skipped: region is AMER, legal is for EMEA.'],
        ['owner', 'pending', '1 of 1 approver must approve.'],
      ],
      approvers: {
        manager: ['mona@example.com: Above rita.'],
        finance: [
          'fay@example.com: Member of the group finance.',
          'fred@example.com: Member of the group finance.',
        ],
        legal: [],
        owner: ['boss@example.com: Named in the workflow.'],
      },
    });
  });

  it('ends where the decisions end it, and says why the rest is not reached', async () => {
    const decisions = [says('manager', 'mona'), says('finance', 'fay', 'reject')];
    expect(await simulate(order, { amount: 1200, region: 'AMER' }, decisions)).toMatchObject({
      state: 'rejected',
      stages: [
        ['manager', 'approved', expect.any(String)],
        ['finance', 'rejected', expect.stringMatching(/^Applies: amount is 1200, above 1000\. 2 of 2/)],
        ['legal', 'skipped', expect.any(String)],
        ['owner', 'canceled', 'Not reached: the request is rejected at the stage Finance.'],
      ],
    });
    expect(
      await simulate(order, { amount: 5, region: 'EMEA' }, [says('manager', 'mona', 'return')]),
    ).toMatchObject({
      state: 'returned',
      stages: [
        ['manager', 'returned', '1 of 1 approver must approve.'],
        [
          'finance',
          'pending',
          'Not reached: the request is returned to the requester at the stage Line manager.',
        ],
        ['legal', 'pending', expect.any(String)],
        ['owner', 'pending', expect.any(String)],
      ],
    });
    const all = ['manager mona', 'legal boss', 'owner boss'].map((one) => one.split(' ') as [string, string]);
    expect(
      await outcome(
        order,
        { amount: 5, region: 'EMEA' },
        all.map((one) => says(...one)),
      ),
    ).toEqual({
      ok: false,
      impossible: {
        index: 2,
        detail: 'The request is already failed when boss@example.com would decide in the stage Owner.',
      },
    });
  });

  it('shows where it would fail', async () => {
    const definition = workflow({
      subject: { type: 'object', properties: { owner: { type: 'string' }, limit: { type: 'number' } } },
      stages: [
        { key: 'first', approvers: [{ user: 'boss' }] },
        { key: 'second', title: 'Second', approvers: [{ user: { field: 'payload.owner' } }] },
        { key: 'third', approvers: [{ user: 'boss' }] },
        { key: 'fourth', title: 'Fourth', when: 'payload.limit > 3', approvers: [{ user: 'boss' }] },
      ],
    });
    expect((await simulate(definition, { owner: 'ghost' })).stages).toEqual([
      ['first', 'active', '1 of 1 approver must approve.'],
      [
        'second',
        'pending',
        'Fails: Nobody could be identified to approve the stage Second (ghost: nobody in the directory is called this).',
      ],
      ['third', 'pending', 'Not reached: the request fails at the stage Second.'],
      ['fourth', 'pending', 'Not reached: the request fails at the stage Second.'],
    ]);
    const { stages } = await simulate(definition, { owner: 'boss' });
    expect(stages[3]).toEqual([
      'fourth',
      'pending',
      expect.stringMatching(
        /^Fails: The condition payload\.limit > 3 of stage Fourth could not be evaluated: .*\.$/,
      ),
    ]);
  });

  it('is over at once when no stage applies', async () => {
    const stages = [{ key: 'one', when: 'payload.amount > 5' }];
    expect(await simulate(workflow({ stages }), { amount: 1 })).toMatchObject({
      state: 'failed',
      stages: [['one', 'skipped', 'Skipped: amount is 1, one starts above 5.']],
    });
    expect(await simulate(workflow({ stages, onNoStage: 'approve' }), { amount: 1 })).toMatchObject({
      state: 'completed',
    });
  });
});

describe('a decision that cannot be made', () => {
  it.each([
    [says('board', 'mona'), 'The workflow has no stage board.'],
    [says('finance', 'fay'), 'The stage Finance has not started when fay@example.com would decide in it.'],
    [says('manager', 'boss'), 'boss@example.com has no open task in the stage Line manager.'],
  ])('is told apart: %j', async (decision, detail) => {
    const result = await outcome(order, { amount: 1200, region: 'AMER' }, [decision]);
    expect(result).toEqual({ ok: false, impossible: { index: 0, detail } });
  });

  it.each([
    [says('manager', 'mona'), 'The stage Line manager is already approved.'],
    [says('legal', 'lou'), 'The stage legal is already skipped.'],
    [
      says('finance', 'fred'),
      'fred@example.com is asked in the stage Finance only after others have answered.',
    ],
  ])('counts from what was decided before: %j', async (decision, detail) => {
    const payload = { amount: 1200, region: 'AMER' };
    const result = await outcome(order, payload, [says('manager', 'mona'), decision]);
    expect(result).toEqual({ ok: false, impossible: { index: 1, detail } });
    const twice = [says('manager', 'mona'), says('finance', 'fay'), says('finance', 'fay')];
    expect(await outcome(order, payload, twice)).toEqual({
      ok: false,
      impossible: { index: 2, detail: 'fay@example.com has already decided in the stage Finance.' },
    });
  });
});

describe('a stage whose approvers a webhook names', () => {
  const webhook = { webhook: { url: 'https://erp.example.com/approvers?token=secret' } };
  const guest = (over: object = {}) =>
    workflow({
      stages: [
        { key: 'sponsor', title: 'Sponsor', approvers: [webhook], quorum: { approvals: 2 }, ...over },
        { key: 'security', approvers: [{ user: 'boss' }] },
      ],
    });

  it('says that they are asked later, and counts as approved for what follows', async () => {
    expect(await simulate(guest(), {})).toEqual({
      state: 'pending_review',
      stages: [
        [
          'sponsor',
          'active',
          'Needs two approvals. Whom https://erp.example.com/approvers names is asked when the stage starts.',
        ],
        ['security', 'pending', '1 of 1 approver must approve.'],
      ],
      approvers: { sponsor: [], security: ['boss@example.com: Named in the workflow.'] },
    });
  });

  it('shows whom other sources name', async () => {
    const { stages, approvers } = await simulate(
      guest({ approvers: [{ group: 'finance' }, webhook], quorum: 'all' }),
      {},
    );
    expect(stages[0]?.[2]).toBe(
      'Needs the approval of everybody. Whom https://erp.example.com/approvers names is asked when the stage starts.',
    );
    expect(approvers.sponsor).toEqual([
      'fay@example.com: Member of the group finance.',
      'fred@example.com: Member of the group finance.',
    ]);
  });

  it('takes those who decide there as named by it', async () => {
    const decisions = [says('sponsor', 'lou'), says('sponsor', 'fay')];
    expect(await simulate(guest(), {}, decisions)).toMatchObject({
      state: 'pending_review',
      stages: [
        [
          'sponsor',
          'approved',
          '2 of 2 approvers must approve. Whom https://erp.example.com/approvers names is asked when the stage starts.',
        ],
        ['security', 'active', expect.any(String)],
      ],
      approvers: {
        sponsor: [
          'lou@example.com: Taken as named by https://erp.example.com/approvers.',
          'fay@example.com: Taken as named by https://erp.example.com/approvers.',
        ],
      },
    });
    expect(await outcome(guest(), {}, [says('sponsor', 'rita')])).toEqual({
      ok: false,
      impossible: { index: 0, detail: 'rita@example.com has no open task in the stage Sponsor.' },
    });
  });

  it('counts whoever it names for each part of a quorum', async () => {
    const each = {
      each: [
        { group: 'legal', approvals: 1 },
        { group: 'finance', approvals: 1 },
      ],
    };
    const { stages } = await simulate(guest({ approvers: [{ user: 'lou' }, webhook], quorum: each }), {});
    expect(stages).toEqual([
      [
        'sponsor',
        'active',
        'Needs one approval by the members of legal and one approval by the members of finance. ' +
          'Whom https://erp.example.com/approvers names is asked when the stage starts.',
      ],
      ['security', 'pending', '1 of 1 approver must approve.'],
    ]);
  });
});

describe('simulations side by side', () => {
  it('ask together, and each gets its own answers', async () => {
    const asked: number[] = [];
    const results = await inLockstep(
      [800, 1200, 20].map((amount) => simulateRequest(inputFor(order, { amount, region: 'EMEA' }))),
      async (questions) => {
        asked.push(questions.length);
        return answers(questions);
      },
    );
    expect(asked).toEqual([3, 4, 3]);
    expect(results.map((one) => one.ok && one.request.stages[1]?.state)).toEqual([
      'skipped',
      'pending',
      'skipped',
    ]);
  });
});
