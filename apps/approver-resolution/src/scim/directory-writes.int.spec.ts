import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

describe('changes of a directory', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  it('that wait for a bulk of their workspace leave connections to the others', async () => {
    const other = v7();
    await service.rows('BEGIN');
    await service.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `directory ${service.workspaceId}`,
    ]);
    const waiting = Array.from({ length: 15 }, (_, n) => service.user(`waiting${n}@writes.test`));
    await service.eventually(async () => {
      const locks = await service.rows(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
      return locks.length >= 3;
    });
    const id = await service.user('other@writes.test', {}, other);
    expect((await service.call('GET', `/scim/v2/Users/${id}`, undefined, {}, other)).status).toBe(200);
    await service.rows('COMMIT');
    expect(new Set(await Promise.all(waiting)).size).toBe(15);
  }, 25_000);
});
