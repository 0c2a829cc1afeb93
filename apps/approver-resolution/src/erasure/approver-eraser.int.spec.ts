import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';
import { resolverQuestion } from '../../test/resolver-question';
import { TestService } from '../../test/test-service';

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const erase = async (
  subject: string,
  requests: string[] = [],
): Promise<JobData<'subject.erased.v1'>['counts']> => {
  const erasureId = v7();
  await service.send(
    'approver-resolution',
    service.envelope('subject.erase.v1', {
      erasureId,
      part: 0,
      subject,
      requests: requests.map((id) => ({ id, isRequester: true })),
      general: true,
    }),
  );
  return service.eventually(async () => {
    const answers = await service.sent('subject.erased.v1');
    return answers.find(({ data }) => data.erasureId === erasureId)?.data.counts;
  });
};

const usersOf = (id: string) =>
  service.rows<{ user_name: string }>('SELECT user_name FROM user_ WHERE id = $1', [id]);

describe('erasing in the directory', () => {
  it('deletes somebody who has left, and tells everybody; whoever is active stays', async () => {
    const [here, gone] = [
      await service.user('here@test'),
      await service.user('gone@test', { active: false }),
    ];
    expect(await erase(here)).toEqual({ directoryKept: 1 });
    expect((await usersOf(here)).length).toBe(1);
    // The user that was made, as the answer to it says, is one of the answers that are kept.
    expect(await erase(gone)).toMatchObject({ directory: 1 });
    expect(await usersOf(gone)).toEqual([]);
    const told = (await service.sent('directory.changed.v1')).flatMap(({ data }) => data.deleted);
    expect(told).toContain(gone);
    expect(await erase(gone)).toEqual({});
  });

  it('tells the log what goes with somebody whose record is deleted, by the system and once', async () => {
    const [leaver, holder] = [await service.user('leaver@test'), await service.user('holder@test')];
    const group = await service.group('leavers', [leaver, holder]);
    const [startsAt, endsAt] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
    const made = await service.call<{ id: string }>('POST', '/v1/delegations', {
      from: leaver,
      to: holder,
      startsAt,
      endsAt,
    });
    await service.rows('UPDATE user_ SET active = false WHERE id = $1', [leaver]);
    const told = async () => (await service.sent('fact.happened.v1')).flatMap(({ data }) => data.facts);
    const before = (await told()).length;
    await erase(leaver);
    await erase(leaver);
    const facts = (await told()).slice(before);
    const actor = { type: 'system', id: null, via: null };
    expect(facts).toMatchObject([
      {
        type: 'directory.changed',
        actor,
        content: {
          operation: 'delete',
          resources: [
            { type: 'User', id: leaver, did: 'deleted' },
            { type: 'Group', id: group, did: 'changed', attributes: ['members'], removed: [leaver] },
          ],
        },
        personal: [],
      },
      {
        type: 'delegation.ended',
        actor,
        content: { delegationId: made.body.id, from: leaver, to: holder, startsAt, endsAt },
      },
    ]);
    expect(facts).toHaveLength(2);
  });

  it('forgets resolutions of requests, and makes none for a question that comes late', async () => {
    const approver = await service.user('approver@test');
    const asked = resolverQuestion([{ user: 'approver@test' }]);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked));
    await service.resolved(asked.resolutionId);
    expect(await erase(approver, [asked.requestId])).toMatchObject({ resolutions: 1 });
    const late = { ...asked, resolutionId: v7() };
    const other = resolverQuestion([{ user: 'approver@test' }]);
    await service.send(
      'approver-resolution',
      service.envelope('approvers.resolve.v1', late),
      service.envelope('approvers.resolve.v1', other),
    );
    await service.resolved(other.resolutionId);
    expect(await service.rows('SELECT 1 FROM resolution WHERE request_id = $1', [asked.requestId])).toEqual(
      [],
    );
  });

  it('forgets answers of webhooks that name somebody', async () => {
    const named = await service.user('named@test', { externalId: 'ext-named' });
    await service.rows(
      `INSERT INTO resolver_answer (workspace_id, key, refs, asked_at, request_hash, answer_hash, expires_at)
       SELECT $1, k, r, now(), '', '', now() + interval '1 hour' FROM unnest($2::bytea[], $3::json[]) AS a (k, r)`,
      [service.workspaceId, [Buffer.of(1), Buffer.of(2)], ['["EXT-Named"]', '["somebody"]']],
    );
    expect(await erase(named)).toEqual({ answers: 1, directoryKept: 1 });
    expect((await service.rows('SELECT refs FROM resolver_answer')).length).toBe(1);
  });
});
