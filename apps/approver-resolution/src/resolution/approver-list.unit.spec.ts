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
});
