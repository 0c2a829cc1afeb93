import type { Fact, FactContents } from '@countersign/contracts';
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
const resourcesOf = ({ content }: Fact) =>
  content.resources as FactContents['directory.changed']['resources'];
const madeUsers = async (prefix: string, count: number): Promise<string[]> =>
  service.users(Array.from({ length: count }, (_, n) => `${prefix}-${n}@test`));
const delegation = async (from: string, to: string): Promise<{ id: string }> => {
  const [startsAt, endsAt] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
  const made = await service.call<{ id: string }>('POST', '/v1/delegations', { from, to, startsAt, endsAt });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body;
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
      part: 1,
      parts: 1,
      resources: [{ type: 'Group', id: team, did: 'created', attributes: ['displayName', 'members'] }],
      counts: { resources: 1, unnamed: 0, changed: 0, affected: 2, deleted: 0 },
      directoryVersion: before + 1,
    });
    expect(patched?.content).toMatchObject({
      operation: 'patch',
      resources: [{ type: 'Group', id: team, did: 'changed', attributes: ['displayName'] }],
      directoryVersion: before + 2,
    });
    expect(removed?.content).toMatchObject({
      operation: 'delete',
      resources: [
        { type: 'User', id: ben.id, did: 'deleted', attributes: [] },
        { type: 'Group', id: team, did: 'changed', attributes: ['members'], removed: [ben.id] },
      ],
      counts: { resources: 2, deleted: 1 },
      directoryVersion: before + 3,
    });
    expect(await directoryVersion()).toBe(before + 3);
    const contents = [made, patched, removed].map((fact) => fact?.content);
    expect(JSON.stringify(contents)).not.toMatch(/team|crew|@test/);
    expect(made?.personal).toEqual([
      { subject: null, kind: 'words', data: { id: team, before: {}, after: { displayName: 'team' } } },
    ]);
    expect(patched?.personal).toMatchObject([
      { data: { before: { displayName: 'team' }, after: { displayName: 'crew' } } },
    ]);
    expect(removed?.personal).toEqual([]);
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
    const counts = { resources: 150, unnamed: 0, changed: 149, affected: 0, deleted: 0 };
    expect(told).toMatchObject([
      { content: { operation: 'bulk', part: 1, parts: 2, counts } },
      { content: { operation: 'bulk', part: 2, parts: 2, counts } },
    ]);
    expect(told.map(resourcesOf).map(({ length }) => length)).toEqual([100, 50]);
    const named = told.flatMap(resourcesOf);
    expect(new Set(named.map(({ id }) => id)).size).toBe(150);
    expect(named.at(-1)).toMatchObject({ type: 'Group', did: 'created', added: [named[1]?.id] });
    // Each for the person, as they were made.
    expect(told[0]?.personal[0]).toEqual({
      subject: named[0]?.id,
      kind: 'directory',
      data: { before: {}, after: { active: true, userName: 'bulk0@test' } },
    });
    expect(new Set(told.map(({ content }) => content.directoryVersion)).size).toBe(1);
  });

  it('says which attributes of a user are others, and for that person what they were and are', async () => {
    const [boss, ann] = [await scim.user('boss@test'), await scim.user('limited@test', { nickName: 'Li' })];
    const given = {
      schemas: [urns.user],
      userName: 'limited@test',
      nickName: 'Li',
      externalId: 'x-1',
      [urns.enterprise]: { manager: { value: 'boss@test' } },
      [urns.countersign]: { approvalLimit: 99_999_999 },
    };
    const [put, again, patched, inactive] = await during(async () => {
      await scim.call('PUT', `/Users/${ann.id}`, given);
      await scim.call('PUT', `/Users/${ann.id}`, { ...given, active: true });
      await scim.patch(`/Users/${ann.id}`, [
        { op: 'replace', path: `${urns.countersign}:approvalLimit`, value: 5 },
        { op: 'remove', path: 'externalId' },
      ]);
      await scim.patch(`/Users/${ann.id}`, [{ op: 'replace', path: 'active', value: false }]);
    });
    const changed = { type: 'User', id: ann.id, did: 'changed' };
    expect(put?.content.resources).toEqual([
      { ...changed, attributes: ['approvalLimit', 'externalId', 'manager'] },
    ]);
    expect(put?.personal).toEqual([
      {
        subject: ann.id,
        kind: 'directory',
        data: { before: {}, after: { approvalLimit: 99_999_999, externalId: 'x-1', manager: boss.id } },
      },
    ]);
    // It writes, but nothing is other than before.
    expect(again?.content.resources).toEqual([{ ...changed, attributes: [] }]);
    expect(again?.personal).toEqual([]);
    expect(patched?.content.resources).toEqual([{ ...changed, attributes: ['approvalLimit', 'externalId'] }]);
    expect(patched?.personal[0]?.data).toEqual({
      before: { approvalLimit: 99_999_999, externalId: 'x-1' },
      after: { approvalLimit: 5 },
    });
    expect(inactive?.personal[0]?.data).toEqual({ before: { active: true }, after: { active: false } });
    const [gone] = await during(() => scim.call('DELETE', `/Users/${boss.id}`));
    expect(gone?.content.resources).toEqual([
      { type: 'User', id: boss.id, did: 'deleted', attributes: [] },
      { ...changed, attributes: ['manager'] },
    ]);
    expect(gone?.personal).toEqual([
      { subject: ann.id, kind: 'directory', data: { before: { manager: boss.id }, after: {} } },
    ]);
  });

  it('says who joined and who left a group, whichever way that was said', async () => {
    const [ann, ben, cara] = [
      await scim.user('ann-g@test'),
      await scim.user('ben-g@test'),
      await scim.user('cara-g@test'),
    ];
    const inner = await scim.group('inner', [{ value: cara.id }]);
    const { id } = await scim.group('joined', [{ value: ann.id }]);
    const told = await during(async () => {
      await scim.patch(`/Groups/${id}`, [
        { op: 'add', path: 'members', value: [{ value: 'ben-g@test' }, { value: inner.id }] },
      ]);
      await scim.patch(`/Groups/${id}`, [{ op: 'remove', path: `members[value eq "${ann.id}"]` }]);
      // Out by a filter and in again by the next operation: nobody has moved.
      await scim.patch(`/Groups/${id}`, [
        { op: 'remove', path: 'members[display sw "ben"]' },
        { op: 'add', path: 'members', value: [{ value: ben.id }] },
      ]);
      await scim.call('PUT', `/Groups/${id}`, {
        schemas: [urns.group],
        displayName: 'joined',
        members: [{ value: ann.id }, { value: ben.id }],
      });
      await scim.call('DELETE', `/Groups/${id}`);
    });
    const changed = { type: 'Group', id, did: 'changed' };
    expect(told.map(resourcesOf)).toEqual([
      [{ ...changed, attributes: ['members'], added: [ben.id, inner.id] }],
      [{ ...changed, attributes: ['members'], removed: [ann.id] }],
      [{ ...changed, attributes: [] }],
      [{ ...changed, attributes: ['members'], added: [ann.id], removed: [inner.id] }],
      [
        {
          type: 'Group',
          id,
          did: 'deleted',
          attributes: [],
          removed: expect.arrayContaining([ann.id, ben.id]),
        },
      ],
    ]);
  });

  it('names everybody of a group of thousands, in several entries and messages of bounded size', async () => {
    const ids = (await Promise.all([0, 1].map((n) => madeUsers(`many${n}`, 900)))).flat();
    const before = (await service.sent('fact.happened.v1')).length;
    const told = await during(() =>
      scim.group(
        'many',
        ids.map((value) => ({ value })),
      ),
    );
    expect(told.map(({ content }) => [content.part, content.parts])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
    const resources = told.flatMap(resourcesOf);
    expect(resources.map(({ added }) => added?.length)).toEqual([500, 500, 500, 300]);
    expect(resources.flatMap(({ added }) => added ?? []).sort()).toEqual([...ids].sort());
    for (const { content } of told) expect(content.counts).toMatchObject({ resources: 1, affected: 1800 });
    for (const { data } of (await service.sent('fact.happened.v1')).slice(before))
      expect(JSON.stringify(data).length).toBeLessThan(300_000);
  }, 60_000);

  it('does not keep values that are very long, but of what they were', async () => {
    const certificate = Buffer.alloc(12_000, 1).toString('base64');
    const [told] = await during(() =>
      scim.user('long@test', {
        x509Certificates: [{ value: certificate }],
        [urns.countersign]: { approvalLimit: 7 },
      }),
    );
    expect(told?.personal[0]?.data).toMatchObject({
      after: { approvalLimit: 7, x509Certificates: { omittedBytes: expect.any(Number) } },
    });
    expect(told?.content.resources).toMatchObject([
      { attributes: expect.arrayContaining(['x509Certificates']) },
    ]);
  });

  it('ends the delegations of somebody who is deleted, each once, but not those that were over', async () => {
    const [ann, ben, cara] = [
      await scim.user('ann-d@test'),
      await scim.user('ben-d@test'),
      await scim.user('cara-d@test'),
    ];
    const given = await delegation(ann.id, ben.id);
    const taken = await delegation(cara.id, ann.id);
    const other = await delegation(cara.id, ben.id);
    const over = await delegation(ann.id, ben.id);
    await service.rows(`UPDATE delegation SET ends_at = now() - interval '1 hour' WHERE id = $1`, [over.id]);
    const [changed, ...ended] = await during(() =>
      scim.call('DELETE', `/Users/${ann.id}`, undefined, { actor: 'rita@test' }),
    );
    expect(changed?.type).toBe('directory.changed');
    expect(ended).toHaveLength(2);
    expect(ended.map(({ type, actor }) => [type, actor.id])).toEqual([
      ['delegation.ended', rita],
      ['delegation.ended', rita],
    ]);
    expect(ended.map(({ content }) => content)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ delegationId: given.id, from: ann.id, to: ben.id, workflows: null }),
        expect.objectContaining({ delegationId: taken.id, from: cara.id, to: ann.id }),
      ]),
    );
    const byBulk = await during(() =>
      scim.bulk([
        { method: 'DELETE', path: `/Users/${ben.id}` },
        { method: 'DELETE', path: `/Users/${cara.id}` },
      ]),
    );
    expect(
      byBulk.filter(({ type }) => type === 'delegation.ended').map(({ content }) => content.delegationId),
    ).toEqual([other.id]);
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
