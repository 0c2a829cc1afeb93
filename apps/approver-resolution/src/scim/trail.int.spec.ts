import type { Fact } from '@countersign/contracts';
import { ScimClient } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

let service: TestService;
let scim: ScimClient;
let rita: string;
beforeAll(async () => {
  service = await TestService.start();
  scim = new ScimClient(service);
  rita = (await scim.user('rita@test')).id;
});
afterAll(() => service.stop());

const facts = async (): Promise<Fact[]> =>
  (await service.sent('fact.happened.v1')).flatMap(({ data }) => data.facts);
/** What the log is told while something is done. */
const during = async (work: () => Promise<unknown>): Promise<Fact[]> => {
  const before = (await facts()).length;
  await work();
  return (await facts()).slice(before);
};
const directoryVersion = async (): Promise<number> => {
  const body = { approvers: [{ user: rita }], requester: rita, payload: {} };
  const answer = await service.call<{ evidence: { directoryVersion: number } }>(
    'POST',
    '/v1/approvers/preview',
    body,
  );
  return answer.body.evidence.directoryVersion;
};

describe('what the log is told of the directory', () => {
  it('says what a call did to which resource, for how many people, and as of which version', async () => {
    const [ann, ben] = [await scim.user('ann@test'), await scim.user('ben@test')];
    const before = await directoryVersion();
    let team = '';
    const [made, patched, removed, ...more] = await during(async () => {
      team = (await scim.group('team', [{ value: ann.id }, { value: ben.id }])).id;
      await scim.patch(`/Groups/${team}`, [{ op: 'replace', path: 'displayName', value: 'crew' }]);
      await scim.call('DELETE', `/Users/${ben.id}`);
    });
    expect(more).toEqual([]);
    for (const fact of [made, patched, removed]) expect(fact?.type).toBe('directory.changed');
    expect(made?.content).toMatchObject({
      operation: 'create',
      resourceTypes: ['Group'],
      resources: [team],
      counts: { resources: 1, changed: 0, affected: 2, deleted: 0 },
      directoryVersion: before + 1,
    });
    expect(patched?.content).toMatchObject({ operation: 'patch', directoryVersion: before + 2 });
    expect(removed?.content).toMatchObject({
      operation: 'delete',
      resourceTypes: ['User'],
      resources: [ben.id],
      counts: { resources: 1, deleted: 1 },
      directoryVersion: before + 3,
    });
    expect(await directoryVersion()).toBe(before + 3);
    expect(JSON.stringify([made, patched, removed])).not.toMatch(/team|crew|@test/);
  });

  it('is nothing when nothing has changed or a call was refused', async () => {
    const user = await scim.user('cy@test', { nickName: 'cy' });
    const same = [{ op: 'replace', path: 'nickName', value: 'cy' }];
    const told = await during(async () => {
      expect((await scim.patch(`/Users/${user.id}`, same)).status).toBe(200);
      const answer = await scim.bulk([
        { method: 'PATCH', path: `/Users/${user.id}`, data: { schemas: [urns.patch], Operations: same } },
        { method: 'POST', path: '/Users', bulkId: 'x', data: { schemas: [urns.user] } },
      ]);
      expect(answer.body.Operations.map(({ status }) => status)).toEqual(['200', '400']);
      expect((await scim.call('POST', '/Users', { schemas: [urns.user], userName: 'cy@test' })).status).toBe(
        409,
      );
    });
    expect(told).toEqual([]);
  });

  it('is one entry of a bulk, with those of its operations that did something', async () => {
    const operations = Array.from({ length: 150 }, (_, n) => ({
      method: 'POST',
      path: '/Users',
      bulkId: `u${n}`,
      data: { schemas: [urns.user], userName: n === 7 ? 'rita@test' : `bulk${n}@test` },
    }));
    const group = {
      method: 'POST',
      path: '/Groups',
      bulkId: 'g',
      data: { schemas: [urns.group], displayName: 'bulk', members: [{ value: 'bulkId:u1' }] },
    };
    const told = await during(() => scim.bulk([...operations, group]));
    expect(told).toMatchObject([
      {
        content: {
          operation: 'bulk',
          resourceTypes: ['Group', 'User'],
          counts: { resources: 150, changed: 149, deleted: 0 },
        },
      },
    ]);
    expect(told[0]?.content.resources).toHaveLength(100);
  });

  it('says for whom a key acted', async () => {
    const [byPerson, byKey] = await during(async () => {
      await scim.call(
        'POST',
        '/Users',
        { schemas: [urns.user], userName: 'dee@test' },
        { actor: 'RITA@test' },
      );
      await scim.user('eve@test');
    });
    expect(byPerson?.actor).toEqual({ type: 'user', id: rita, via: expect.any(String) });
    expect(byKey?.actor).toEqual({ type: 'service', id: expect.any(String), via: null });
    const told = await during(async () => {
      const body = { schemas: [urns.user], userName: 'flo@test' };
      expect((await scim.call('POST', '/Users', body, { actor: 'nobody@test' })).status).toBe(403);
    });
    expect(told).toEqual([]);
  });
});
