import type { StageDefinition, WorkflowDefinition } from '../definition/workflow-definition';
import { lintDefinition } from './lint-definition';
import type { LintFacts } from './lint-facts';

const definition = (over: object): WorkflowDefinition => {
  const stage: StageDefinition = {
    key: 'finance',
    title: 'Finance',
    approvers: [{ group: 'finance' }],
    expire: { after: 'P30D' },
    ...over,
  };
  return { key: 'w', stages: [stage] };
};

/** What is said of a stage with so many active people in its groups and roles. */
const said = (
  over: object,
  groups: Record<string, number> = {},
  { roles = {}, inactive = [] }: { roles?: Record<string, number>; inactive?: string[] } = {},
) => {
  const sizes = (counted: Record<string, number>) =>
    Object.entries(counted).map(([ref, people]) => ({ ref, people }));
  const facts: LintFacts = {
    unknownUsers: [],
    unknownGroups: [],
    inactiveUsers: inactive,
    groupSizes: sizes(groups),
    roleSizes: sizes(roles),
  };
  const { errors, warnings } = lintDefinition(definition(over), facts);
  expect(errors).toEqual([]);
  return warnings.map(({ code, pointer, message }) => `${code} ${pointer}: ${message}`);
};
const approvals = (number: number) => ({ quorum: { approvals: number } });

describe('people of today', () => {
  it('who are enough are not complained about', () => {
    expect(said(approvals(3), { finance: 3 })).toEqual([]);
    for (const quorum of ['any', 'all', 'majority', { percent: 90 }])
      expect(said({ quorum }, { finance: 1 })).toEqual([]);
    const several = [{ group: 'finance' }, { group: 'legal' }, { user: 'ann' }, { role: 'cfo' }];
    expect(
      said({ approvers: several, ...approvals(5) }, { finance: 2, legal: 1 }, { roles: { cfo: 1 } }),
    ).toEqual([]);
    expect(said({ approvers: [{ group: 'finance' }], quorum: 'all' }, { finance: 1_000 })).toEqual([]);
  });

  it('are taken to be enough where it is not known who they are', () => {
    expect(said(approvals(9))).toEqual([]);
    const approvers = [{ group: 'finance' }, { field: 'payload.owners' }];
    expect(said({ approvers, ...approvals(9) }, { finance: 1 })).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^quorum/)]),
    );
  });

  it('who are too few for a quorum are a warning', () => {
    expect(said(approvals(3), { finance: 2 })).toEqual([
      'quorum-unreachable-today /stages/0/quorum/approvals: Finance needs three approvals, but asks at most two people as the directory is today: it can never be approved.',
    ]);
    const approvers = [{ user: 'ann' }, { user: 'bob' }, { role: 'cfo' }];
    expect(said({ approvers, ...approvals(3) }, {}, { roles: { cfo: 1 }, inactive: ['bob'] })).toEqual([
      'inactive-user /stages/0/approvers/1/user: The user bob is not active: whoever is not is left out.',
      'quorum-unreachable-today /stages/0/quorum/approvals: Finance needs three approvals, but asks at most two people as the directory is today: it can never be approved.',
    ]);
  });

  it('of the row of a matrix that has most must be enough', () => {
    const matrix = [
      { when: 'request.title == "a"', to: [{ group: 'finance' }] },
      { when: 'true', to: [{ group: 'legal' }] },
    ];
    const over = { approvers: [{ matrix }], ...approvals(2) };
    expect(said(over, { finance: 1, legal: 2 })).toEqual([]);
    expect(said(over, { finance: 1, legal: 1 })).toEqual([
      expect.stringMatching(/^quorum-unreachable-today/),
    ]);
  });

  it('who are too few in a fallback, or for a part of a quorum, are a warning there', () => {
    const fallback = { onNoApprovers: { fallback: [{ group: 'board' }] } };
    expect(said({ ...approvals(2), ...fallback }, { finance: 5, board: 1 })).toEqual([
      'quorum-unreachable-today /stages/0/onNoApprovers/fallback: The fallback of Finance asks at most one person as the directory is today, but two approvals are needed.',
    ]);
    const each = [
      { group: 'finance', approvals: 2 },
      { role: 'cfo', approvals: 2 },
      { group: 'legal', approvals: 1 },
    ];
    const approvers = [{ group: 'finance' }, { role: 'cfo' }, { group: 'legal' }];
    expect(said({ approvers, quorum: { each } }, { finance: 2, legal: 0 }, { roles: { cfo: 1 } })).toEqual([
      'empty-group /stages/0/approvers/2/group: The group legal has nobody who is active.',
      'empty-group /stages/0/quorum/each/2/group: The group legal has nobody who is active.',
      'quorum-unreachable-today /stages/0/quorum/each/1/approvals: Finance needs two approvals by everybody with the role cfo, who are only one person as the directory is today: it can never be approved.',
    ]);
  });

  it('who are not there at all are told of once, where they are named', () => {
    expect(said(approvals(2), { finance: 0 })).toEqual([
      'empty-group /stages/0/approvers/0/group: The group finance has nobody who is active.',
    ]);
    expect(said({ approvers: [{ role: 'cfo' }], ...approvals(2) }, {}, { roles: { cfo: 0 } })).toEqual([
      'empty-role /stages/0/approvers/0/role: Nobody who is active has the role cfo.',
    ]);
  });

  it('who are too few whatever the directory says are told of as before', () => {
    const { errors } = lintDefinition(definition({ approvers: [{ user: 'ann' }], ...approvals(2) }), {
      unknownUsers: [],
      unknownGroups: [],
      inactiveUsers: [],
      groupSizes: [],
      roleSizes: [],
    });
    expect(errors.map(({ code }) => code)).toEqual(['quorum-unreachable']);
  });

  it('who are more than a stage asks are a warning that says what becomes of them', () => {
    const crowd = { group: 'everybody' };
    const over = {
      approvers: [{ role: 'staff' }],
      onNoApprovers: { fallback: [crowd] },
      escalate: [{ after: 'P1D', to: [crowd] }],
      notify: [crowd],
    };
    expect(said(over, { everybody: 1_001 }, { roles: { staff: 1_001 } })).toEqual([
      'too-many-people /stages/0/approvers/0: Finance would ask more than 1000 people, everybody with the role staff: a stage asks 1000 at most, so nobody is asked.',
      'too-many-people /stages/0/onNoApprovers/fallback/0: Finance would ask more than 1000 people in its fallback, the members of everybody: a stage asks 1000 at most, so nobody is asked.',
      'too-many-people /stages/0/escalate/0/to/0: Finance is escalated to more than 1000 people, the members of everybody: a stage asks 1000 at most, so the others are not asked.',
      'too-many-people /stages/0/notify/0: Finance informs more than 1000 people, the members of everybody: only the first 1000 are told.',
    ]);
  });
});
