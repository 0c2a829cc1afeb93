import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

interface Preview {
  approvers: { id: string }[];
  evidence: { directoryVersion: number; sources: { named: number }[] };
}

const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const bulkSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const extension = 'urn:countersign:scim:schemas:1.0:User';

/** On a busy machine a call may reach the service too late, which then has done nothing. */
const patiently = async <Answer extends { status: number }>(call: () => Promise<Answer>): Promise<Answer> => {
  for (;;) {
    const answer = await call();
    if (answer.status !== 503) return answer;
  }
};

describe('the version of a directory', () => {
  let service: TestService;
  let rita = '';
  beforeAll(async () => {
    service = await TestService.start();
    rita = await service.user('rita@test');
  });
  afterAll(() => service.stop());

  const preview = async (group: string): Promise<Preview['evidence']> => {
    const body = { approvers: [{ group }], requester: rita, payload: {} };
    const answer = await patiently(() => service.call<Preview>('POST', '/v1/approvers/preview', body));
    expect(answer.status).toBe(200);
    return answer.body.evidence;
  };
  const version = async () => (await preview('whoever')).directoryVersion;
  const addMember = (group: string, id: string) =>
    patiently(() =>
      service.call('PATCH', `/scim/v2/Groups/${group}`, {
        schemas: [patchSchema],
        Operations: [{ op: 'add', path: 'members', value: [{ value: id }] }],
      }),
    );

  it('grows with every change, whoever makes it, and with nothing else', async () => {
    let [ann, ben, group, delegation] = ['', '', '', ''];
    const operation = (path: string, value: unknown) => ({
      schemas: [patchSchema],
      Operations: [{ op: 'replace', path, value }],
    });
    const soon = { startsAt: '2026-01-01T00:00:00Z', endsAt: '2999-01-01T00:00:00Z' };
    const idOf = async (answer: Promise<{ body: Record<string, unknown> }>) => String((await answer).body.id);
    const changes: [string, () => Promise<unknown>][] = [
      ['POST of a user', async () => (ann = await service.user('ann@test'))],
      ['POST of another', async () => (ben = await service.user('ben@test'))],
      [
        'PUT of a user',
        () => service.call('PUT', `/scim/v2/Users/${ann}`, { userName: 'ann@test', displayName: 'Ann' }),
      ],
      ['PATCH of a user', () => service.call('PATCH', `/scim/v2/Users/${ann}`, operation('active', true))],
      [
        'an absence',
        () => service.call('PATCH', `/scim/v2/Users/${ann}`, operation(`${extension}:outOfOffice`, {})),
      ],
      ['POST of a group', async () => (group = await service.group('crew', [ann]))],
      ['PATCH of a group', () => addMember(group, ben)],
      ['PUT of a group', () => service.call('PUT', `/scim/v2/Groups/${group}`, { displayName: 'crew' })],
      [
        'a bulk',
        () =>
          service.call('POST', '/scim/v2/Bulk', {
            schemas: [bulkSchema],
            Operations: [{ method: 'PATCH', path: `/Users/${ben}`, data: operation('displayName', 'Ben') }],
          }),
      ],
      [
        'a delegation',
        async () =>
          (delegation = await idOf(service.call('POST', '/v1/delegations', { from: ann, to: ben, ...soon }))),
      ],
      ['the end of a delegation', () => service.call('DELETE', `/v1/delegations/${delegation}`)],
      ['DELETE of a group', () => service.call('DELETE', `/scim/v2/Groups/${group}`)],
      ['DELETE of a user', () => service.call('DELETE', `/scim/v2/Users/${ben}`)],
    ];
    for (const [name, change] of changes) {
      const before = await version();
      await change();
      expect([name, (await version()) - before]).toEqual([name, 1]);
    }
    const before = await version();
    const refused = await service.call('POST', '/scim/v2/Users', { userName: 'ann@test' });
    const unheard = await service.call('DELETE', `/v1/delegations/${v7()}`);
    await service.user('elsewhere@test', {}, v7());
    expect([refused.status, unheard.status, await version()]).toEqual([409, 404, before]);
  });

  it('is never newer than what an answer has seen, whatever is written meanwhile', async () => {
    const crowd = await service.users(Array.from({ length: 40 }, (_, n) => `crowd${n}@test`));
    const group = await service.group('crowd', []);
    // From here on, every change of the directory is one more member: an answer's version says how many it must have.
    const start = await version();
    let writing = true;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (const id of crowd.filter((_, n) => n % 4 === writer)) {
        expect((await addMember(group, id)).status).toBe(204);
      }
    });
    const seen: { told: number; members: number; after: number }[] = [];
    const readers = Array.from({ length: 2 }, async () => {
      while (writing) {
        const { directoryVersion: told, sources } = await preview('crowd');
        seen.push({ told: told - start, members: sources[0]?.named ?? -1, after: (await version()) - start });
      }
    });
    await Promise.all(writers).finally(() => (writing = false));
    await Promise.all(readers);
    expect(await version()).toBe(start + crowd.length);
    for (const { told, members, after } of seen) {
      expect(members).toBeGreaterThanOrEqual(told);
      expect(members).toBeLessThanOrEqual(after);
    }
    // It was written while it was read.
    expect(new Set(seen.map(({ told }) => told)).size).toBeGreaterThan(3);
  });
});
