import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

describe('the directory, asked by other services', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  const answerTo = (questionId: string) =>
    service.eventually(async () =>
      (await service.sent('directory.found.v1')).find(({ data }) => data.questionId === questionId),
    );

  it('answers the asker alone, with everybody that a ref may mean', async () => {
    const ann = await service.user('ann@find.test', { externalId: 'ext-ann', displayName: 'Ann' });
    const double = await service.user('ext-ann', { active: false });
    const ben = await service.user('ben@find.test');
    await service.group('finders', [ben]);
    const other = v7();
    await service.user('ann@find.test', { displayName: 'Another Ann' }, other);
    const [q1, q2, q3] = [v7(), v7(), v7()];
    await service.send(
      'approver-resolution',
      service.envelope('directory.find.v1', {
        questionId: q1,
        asker: 'intake',
        refs: ['ext-ann', 'BEN@find.test'],
      }),
      service.envelope('directory.find.v1', {
        questionId: q2,
        asker: 'audit',
        refs: [ann.toUpperCase(), 'no\0body', ''],
      }),
      service.envelope(
        'directory.find.v1',
        { questionId: q3, asker: 'intake', refs: ['ann@find.test'] },
        other,
      ),
    );
    const first = await answerTo(q1);
    expect(first.queues).toEqual(['intake']);
    expect(first.data.people.map(({ id }) => id).sort()).toEqual([ann, double, ben].sort());
    expect(first.data.people.find(({ id }) => id === ben)).toMatchObject({
      groups: ['finders'],
      active: true,
      version: 2,
    });
    expect(first.data.people.find(({ id }) => id === double)).toMatchObject({ active: false });
    const second = await answerTo(q2);
    expect(second.queues).toEqual(['audit']);
    expect(second.data.people.map(({ id }) => id)).toEqual([ann]);
    const third = await answerTo(q3);
    expect(third.workspaceId).toBe(other);
    expect(third.data.people).toMatchObject([{ displayName: 'Another Ann' }]);
  });

  it('says which refs name nobody and nothing, or more than one, in one answer', async () => {
    const one = await service.user('one@check.test', { externalId: 'check-1' });
    await service.user('check-2', { active: false });
    await service.user('two@check.test', { externalId: 'check-2' });
    const group = await service.group('checkers', [one]);
    await service.group('empty checkers', []);
    const question = {
      asker: 'intake',
      users: ['ONE@check.test', 'check-1', one, 'check-2', 'nobody', '', group],
      groups: ['checkers', group, 'empty checkers', 'Checkers', one],
    };
    const [here, elsewhere] = [v7(), v7()];
    await service.send(
      'approver-resolution',
      service.envelope('directory.check.v1', { questionId: here, ...question }),
      service.envelope('directory.check.v1', { questionId: elsewhere, ...question }, v7()),
    );
    const answerOf = (questionId: string) =>
      service.eventually(async () =>
        (await service.sent('directory.checked.v1')).find(({ data }) => data.questionId === questionId),
      );
    const answer = await answerOf(here);
    expect(answer.queues).toEqual(['intake']);
    expect(answer.data).toEqual({
      questionId: here,
      unknownUsers: ['check-2', 'nobody', '', group],
      unknownGroups: ['Checkers', one],
    });
    expect((await answerOf(elsewhere)).data).toEqual({
      questionId: elsewhere,
      unknownUsers: question.users,
      unknownGroups: question.groups,
    });
  });

  it('says so when there is nobody', async () => {
    const questionId = v7();
    await service.send(
      'approver-resolution',
      service.envelope('directory.find.v1', { questionId, asker: 'notification', refs: ['nobody'] }),
    );
    expect((await answerTo(questionId)).data.people).toEqual([]);
  });

  it('does not answer a service that keeps no copy', async () => {
    const envelope = service.envelope('directory.find.v1', {
      questionId: v7(),
      asker: 'gateway',
      refs: ['x'],
    });
    await service.send('approver-resolution', envelope);
    const letter = await service.eventually(
      async () =>
        (
          await service.rows<{ error: string }>('SELECT error FROM dead_letter WHERE message_id = $1', [
            envelope.id,
          ])
        )[0],
    );
    expect(letter.error).toContain('gateway keeps no copy');
  });

  it('finds who has a role, or which group is meant, without reading those of other workspaces', async () => {
    const others = '(SELECT gen_random_uuid() AS workspace_id FROM generate_series(1, 100))';
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT workspace_id, gen_random_uuid(), 'u' || n, 'u' || n, 'U', true, '{}' FROM ${others} w, generate_series(1, 100) n`,
    );
    await service.rows(
      `INSERT INTO user_role (workspace_id, role_key, user_id) SELECT workspace_id, 'signer', id FROM user_`,
    );
    await service.rows(
      `INSERT INTO group_ (workspace_id, id, display_name)
       SELECT workspace_id, gen_random_uuid(), 'Everybody' FROM user_ GROUP BY workspace_id, user_name_key LIMIT 10000`,
    );
    await service.rows('ANALYZE');
    expect(await service.pagesRead(`SELECT 1 FROM user_role WHERE role_key = 'signer'`)).toBeLessThan(50);
    expect(await service.pagesRead(`SELECT 1 FROM group_ WHERE display_name = 'Everybody'`)).toBeLessThan(50);
  });
});
