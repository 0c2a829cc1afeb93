import { TestService, type CallOptions } from '../../test/test-service';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const extension = 'urn:countersign:scim:schemas:1.0:User';

interface Preview {
  approvers: { userName: string; onBehalfOf: { userName: string } | null; why: string }[];
  leftOut: { ref: string; why: string }[];
  note: string | null;
  code?: string;
  errors?: { pointer: string }[];
}

describe('POST /v1/approvers/preview', () => {
  let service: TestService;
  let [alice, bob, rita] = ['', '', ''];
  beforeAll(async () => {
    service = await TestService.start();
    alice = await service.user('alice@test', { displayName: 'Alice', [extension]: { approvalLimit: 500 } });
    bob = await service.user('bob@test', { displayName: 'Bob' });
    rita = await service.user('rita@test', { displayName: 'Rita', [enterprise]: { manager: alice } });
    await service.user('gone@test', { displayName: 'Gone', active: false });
    const gone = await service.user('left@test', { displayName: 'Left', active: false });
    await service.group('finance', [alice, bob, rita, gone]);
  });
  afterAll(() => service.stop());

  const preview = (body: unknown, options: CallOptions = {}) =>
    service.call<Preview>('POST', '/v1/approvers/preview', body, { scopes: ['directory:read'], ...options });
  const about = async (approvers: unknown[], payload: unknown = {}, more: Record<string, unknown> = {}) => {
    const { status, body } = await preview({ approvers, requester: 'rita@test', payload, ...more });
    expect(status).toBe(200);
    return {
      ...body,
      who: body.approvers.map(({ userName, why }) => `${userName}: ${why}`),
    };
  };

  it('says who is asked and why, and why each other is left out', async () => {
    const { who, leftOut, note } = await about(
      [
        { group: 'finance' },
        { manager: { untilLimit: 'payload.amount' } },
        { field: 'payload.owner' },
        { expression: 'payload.reviewers' },
        { matrix: [{ when: 'payload.amount > 1000', to: [{ user: 'bob@test' }] }] },
      ],
      { amount: 400, owner: 'gone@test', reviewers: ['bob@test', 'nobody@test'] },
    );
    expect(who).toEqual([
      'alice@test: Member of the group finance. Line manager of Rita; approval limit 500 covers 400.',
      'bob@test: Member of the group finance. Named by the expression “payload.reviewers”.',
    ]);
    expect(leftOut).toEqual([
      { ref: 'rita@test', why: 'may not approve their own request' },
      { ref: 'left@test', why: 'is not active' },
      { ref: 'gone@test', why: 'is not active' },
      { ref: 'nobody@test', why: 'nobody in the directory has this id, externalId or userName' },
      { ref: 'matrix', why: 'no row of the matrix applies' },
    ]);
    expect(note).toBeNull();
  });

  it('knows who stands in for whom', async () => {
    const period = { startsAt: '2026-01-01T00:00:00Z', endsAt: '2099-12-03T00:00:00Z' };
    const made = await service.call('POST', '/v1/delegations', {
      from: bob,
      to: alice,
      workflows: ['orders'],
      ...period,
    });
    expect(made.status).toBe(201);
    expect((await about([{ user: 'bob@test' }])).who).toEqual(['bob@test: Named in the workflow.']);
    const standsIn = await about([{ user: 'bob@test' }], {}, { workflow: 'orders' });
    expect(standsIn.who).toEqual([
      'alice@test: Named in the workflow, stands in for Bob until 3 December 2099.',
    ]);
    expect(standsIn.approvers[0]?.onBehalfOf?.userName).toBe('bob@test');
    await service.call('POST', '/v1/delegations', { from: alice, to: rita, ...period });
    expect((await about([{ manager: {} }])).who).toEqual([
      'alice@test: Line manager of Rita, whose stand-in Rita may not decide here.',
    ]);
  });

  it('says when an expression fails, nobody is above, or a webhook is to be asked', async () => {
    const failed = await about([{ expression: 'payload.reviewers' }]);
    expect([failed.who, failed.note]).toEqual([[], expect.stringContaining('payload.reviewers')]);
    const above = await about([{ manager: { untilLimit: 10_000 } }]);
    expect([above.who, above.note]).toEqual([[], 'Nobody above Rita may approve 10000.']);
    const outside = await about([{ webhook: { url: 'https://erp.example.com/approvers' } }]);
    expect(outside.note).toBe(
      'The webhook at https://erp.example.com/approvers is asked when the stage starts.',
    );
  });

  it('refuses sources that no definition may have, with pointers into the body', async () => {
    const bad = await preview({
      approvers: [{ user: 'a', group: 'b' }, { expression: '1 +' }],
      requester: rita,
      payload: {},
    });
    expect([bad.status, bad.body.code]).toEqual([422, 'definition_invalid']);
    expect(bad.body.errors?.map(({ pointer }) => pointer)).toEqual([
      '/approvers/0',
      '/approvers/1/expression',
    ]);
    const unknown = await preview({ approvers: [], requester: 'ghost', payload: {} });
    expect([unknown.status, unknown.body.errors?.[0]?.pointer]).toEqual([422, '/requester']);
    const malformed = await preview({ approvers: 'all', requester: '' });
    expect(malformed.status).toBe(400);
    expect((await preview({}, { scopes: ['workflows:read'] })).status).toBe(403);
  });
});
