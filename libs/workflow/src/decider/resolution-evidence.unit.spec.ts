import { NOW, Run, submit, workflow } from '../../test/given';

const evidence = { directoryVersion: 7, at: NOW, sources: [] };

/** The rules of the last questions, as `rule x count`. */
const rulesOf = (run: Run) =>
  run.effects.map(({ rules }) => rules.map(({ rule, count }) => `${rule} x ${count}`));

const asking = (stage: object, payload: unknown = {}) =>
  new Run(workflow({ stages: [{ key: 's', ...stage }] }), payload);

describe('a question about approvers', () => {
  it('says what its sources are in the definition, one after the other', () => {
    const run = asking(
      {
        approvers: [
          { user: 'ann' },
          { field: 'payload.owners' },
          { group: { field: 'payload.nothing' } },
          {
            matrix: [
              { when: 'payload.amount > 1000', to: [{ group: 'board' }] },
              { when: 'true', to: [{ role: 'signer' }, { expression: 'payload.owners' }] },
            ],
          },
          { manager: { levels: 2 } },
        ],
        quorum: {
          each: [
            { group: 'legal', approvals: 1 },
            { user: { field: 'payload.owners' }, approvals: 1 },
          ],
        },
        selfApproval: 'reroute',
      },
      { amount: 5, owners: ['bob', 'cleo'] },
    ).when(submit());
    expect(rulesOf(run)).toEqual([
      [
        'approvers.0 x 1',
        'approvers.1 x 2',
        'approvers.3.matrix.1.to.0 x 1',
        'approvers.3.matrix.1.to.1 x 2',
        'approvers.4 x 1',
        'quorum.each.0 x 1',
        'quorum.each.1 x 2',
        'selfApproval x 1',
      ],
    ]);
    const [question] = run.effects;
    const counted = (question?.rules ?? []).reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(question?.sources.length);
  });

  it('names the fallback, whom a stage informs, and the escalation by its place in the definition', () => {
    const run = asking({
      approvers: [{ user: 'nobody' }],
      onNoApprovers: { fallback: [{ user: 'ann' }] },
      notify: [{ group: 'everybody' }],
      escalate: [
        { after: 'P2D', to: [{ user: 'late' }] },
        { after: 'P1D', to: [{ manager: { of: 'assignee' } }] },
      ],
    }).when(submit());
    expect(rulesOf(run)).toEqual([['approvers.0 x 1']]);
    expect(rulesOf(run.resolved([]))).toEqual([['onNoApprovers.fallback.0 x 1']]);
    expect(rulesOf(run.resolved(['ann']))).toEqual([['notify.0 x 1']]);
    expect(rulesOf(run.ticks('2026-11-22T09:00:00.000Z'))).toEqual([['escalate.1.to.0 x 1']]);
    run.resolved([]);
    expect(rulesOf(run.ticks('2026-11-23T09:00:00.000Z'))).toEqual([['escalate.0.to.0 x 1']]);
    const changed = {
      type: 'delegationsChanged' as const,
      actor: { type: 'system' as const, id: null, via: null },
    };
    expect(rulesOf(run.when({ ...changed, personId: 'ann' }))).toEqual([['delegations x 1']]);
    const left = { type: 'personLeft' as const, actor: changed.actor };
    expect(rulesOf(run.when({ ...left, personId: 'ann' }))).toEqual([['onNoApprovers.fallback.0 x 1']]);
  });
});

describe('the answer to it', () => {
  const resolvedBy = (over: object) => {
    const run = asking({ approvers: [{ user: 'ann' }] }).when(submit());
    run.resolved(['ann'], over);
    return run.last.ok ? run.last.events.find(({ type }) => type === 'stage.resolved') : undefined;
  };

  it('is kept with its evidence', () => {
    expect(resolvedBy({ evidence })).toMatchObject({ evidence });
  });

  it('is taken without any', () => {
    expect(resolvedBy({})).toMatchObject({ stageKey: 's', evidence: null });
  });
});
