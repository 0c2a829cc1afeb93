import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

describe('what the other services are told of a group and its people', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  /** A workspace with that many users in a group called `before`. */
  const crowd = async (size: number) => {
    const workspaceId = v7();
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT $1, gen_random_uuid(), 'm' || n, 'm' || n, 'Member ' || n, true, '{"userName": "m"}'
         FROM generate_series(1, $2) n`,
      [workspaceId, size],
    );
    const groupId = await service.group('before', [], workspaceId);
    await service.rows(
      `INSERT INTO membership (workspace_id, group_id, user_id) SELECT $1, $2, id FROM user_ WHERE workspace_id = $1`,
      [workspaceId, groupId],
    );
    const rows = await service.rows<{ id: string }>(
      'SELECT id FROM user_ WHERE workspace_id = $1 ORDER BY id',
      [workspaceId],
    );
    return { workspaceId, groupId, ids: rows.map(({ id }) => id) };
  };
  type Crowd = Awaited<ReturnType<typeof crowd>>;

  const rename = async ({ workspaceId, groupId }: Crowd) => {
    const operations = [{ op: 'replace', path: 'displayName', value: 'after' }];
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
    const answer = await service.call('PATCH', `/scim/v2/Groups/${groupId}`, body, {}, workspaceId);
    expect(answer.status).toBe(204);
  };
  const of = async <K extends 'directory.changed.v1' | 'directory.publish.v1'>(
    type: K,
    { workspaceId }: Crowd,
  ) => (await service.sent(type)).filter((message) => message.workspaceId === workspaceId);
  /** Everybody told of by now, as last told. */
  const told = async (those: Crowd) =>
    new Map(
      (await of('directory.changed.v1', those)).flatMap(({ data }) =>
        data.people.map((person) => [person.id, person] as const),
      ),
    );
  /** The same, as soon as it is so many; counted by the database, as it may be megabytes. */
  const once = async (those: Crowd, size: number) => {
    await service.eventually(async () => {
      const [row] = await service.rows<{ people: string }>(
        `SELECT count(DISTINCT p ->> 'id') AS people FROM kept.sent, json_array_elements(envelope -> 'data' -> 'people') p
          WHERE envelope ->> 'type' = 'directory.changed.v1' AND envelope ->> 'workspaceId' = $1`,
        [those.workspaceId],
      );
      return Number(row?.people) === size;
    }, 20_000);
    return told(those);
  };

  it('leaves a rename for thousands to transactions of their own, with ids alone', async () => {
    const those = await crowd(1_200);
    await rename(those);
    const people = await once(those, 1_200);
    expect([...people.values()].every(({ groups, version }) => groups[0] === 'after' && version === 2)).toBe(
      true,
    );
    const later = await of('directory.publish.v1', those);
    expect(later.map(({ data }) => data.people.length)).toEqual([500, 500, 200]);
    expect(later.flatMap(({ data }) => data.people).sort()).toEqual(those.ids);
    const messages = await of('directory.changed.v1', those);
    expect(messages.flatMap(({ data }) => data.people)).toHaveLength(1_200);
  });

  it('tells of a few in the very transaction', async () => {
    const those = await crowd(40);
    await rename(those);
    expect((await told(those)).size).toBe(40);
    expect(await of('directory.publish.v1', those)).toEqual([]);
  });

  it('bounds each message by its bytes, and each transaction', async () => {
    const those = await crowd(160);
    // 100 KB for each of them: 16 MB.
    await service.rows(
      `WITH made AS (
         INSERT INTO group_ (workspace_id, id, display_name)
         SELECT $1, gen_random_uuid(), n || repeat('x', 1000) FROM generate_series(1, 100) n RETURNING id
       )
       INSERT INTO membership (workspace_id, group_id, user_id)
       SELECT $1, made.id, u.id FROM made, user_ u WHERE u.workspace_id = $1`,
      [those.workspaceId],
    );
    await rename(those);
    const people = await once(those, 160);
    expect([...people.values()].every(({ groups }) => groups.length === 101)).toBe(true);
    const messages = await of('directory.changed.v1', those);
    expect(Math.max(...messages.map(({ data }) => JSON.stringify(data).length))).toBeLessThan(300_000);
    expect(messages.flatMap(({ data }) => data.people)).toHaveLength(160);
    const later = await of('directory.publish.v1', those);
    // The rename itself told of the first ones; the rest was too much for one transaction.
    expect(later.map(({ data }) => data.people.length)).toEqual([110, 60, 10]);
  });

  it('tells of who is deactivated or deleted at once, however many are yet to be told of their group', async () => {
    const those = await crowd(1_200);
    const { workspaceId, ids } = those;
    await rename(those);
    const [left = '', gone = ''] = ids.slice(-2);
    const operations = [{ op: 'replace', path: 'active', value: false }];
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
    const patched = await service.call('PATCH', `/scim/v2/Users/${left}`, body, {}, workspaceId);
    expect(patched.status).toBe(200);
    expect((await told(those)).get(left)?.active).toBe(false);
    expect((await service.call('DELETE', `/scim/v2/Users/${gone}`, undefined, {}, workspaceId)).status).toBe(
      204,
    );
    const deleted = (await of('directory.changed.v1', those)).flatMap(({ data }) => data.deleted);
    expect(deleted).toEqual([gone]);
  });

  it('reads people when their turn comes: who has left since has left, and who is gone is not told of', async () => {
    const those = await crowd(3);
    const { workspaceId, ids } = those;
    const [here = '', left = '', gone = ''] = ids;
    await service.rows('UPDATE user_ SET active = false, version = 7 WHERE id = $1', [left]);
    await service.rows('DELETE FROM user_ WHERE id = $1', [gone]);
    await service.send(
      'approver-resolution',
      service.envelope('directory.publish.v1', { people: ids }, workspaceId),
    );
    const people = await once(those, 2);
    expect(people.get(here)).toMatchObject({ active: true, groups: ['before'], version: 1 });
    expect(people.get(left)).toMatchObject({ active: false, version: 7 });
  });
});
