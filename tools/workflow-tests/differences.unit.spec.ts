import { differences } from './differences.mjs';

const approver = (userName: string) => ({ userName });
const outcome = {
  state: 'pending_review',
  stages: [
    {
      key: 'one',
      state: 'active',
      explanation: '2 of 3 must approve.',
      approvers: ['a', 'B', 'c'].map(approver),
    },
    { key: 'two', state: 'skipped', explanation: 'Skipped: amount is 800.', approvers: [] },
  ],
};

describe('what is expected', () => {
  it('is met whatever the order and the case, and by what is not said', () => {
    expect(differences({ state: 'pending_review' }, outcome)).toEqual([]);
    expect(
      differences(
        {
          stages: {
            one: { state: 'active', approvers: ['C', 'b', 'A'], explanation: ['2 OF 3', 'approve'] },
            two: { approvers: [], explanation: 'amount is 800' },
          },
        },
        outcome,
      ),
    ).toEqual([]);
  });

  it('and is not so, is told with what came instead', () => {
    expect(
      differences(
        {
          state: 'completed',
          stages: {
            one: { approvers: ['a', 'd'], explanation: 'all' },
            two: { state: 'active', approvers: ['a'] },
            three: { state: 'active' },
          },
        },
        outcome,
      ),
    ).toEqual([
      'state: expected completed, got pending_review',
      'stage one, approvers: expected a, d, got a, B, c (without d; with B, c besides)',
      'stage one, explanation: expected … all …, got 2 of 3 must approve.',
      'stage two, state: expected active, got skipped (Skipped: amount is 800.)',
      'stage two, approvers: expected a, got nobody (without a)',
      'stage three: there is no such stage, only one, two',
    ]);
  });
});
