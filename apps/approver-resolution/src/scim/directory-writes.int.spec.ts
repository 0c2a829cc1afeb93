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

  describe('with an Idempotency-Key', () => {
    const bulk = (name: string, keyId: string) =>
      service.call(
        'POST',
        '/scim/v2/Bulk',
        {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
          Operations: [{ method: 'POST', path: '/Groups', bulkId: name, data: { displayName: name } }],
        },
        { keyId, headers: { 'idempotency-key': name } },
      );
    const made = async (name: string) =>
      (await service.rows('SELECT 1 FROM group_ WHERE display_name = $1', [name])).length;
    const inProgress = {
      status: 409,
      body: {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: '409',
        detail: 'The first call with this Idempotency-Key is still running.',
      },
    };

    it('that one under way in this process has, are told so after a while, and of its end later', async () => {
      const keyId = v7();
      await service.rows('BEGIN');
      await service.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `directory ${service.workspaceId}`,
      ]);
      const first = bulk('under way here', keyId);
      await service.eventually(
        async () =>
          (await service.rows(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).length,
      );
      expect(await bulk('under way here', keyId)).toMatchObject(inProgress);
      const last = bulk('under way here', keyId);
      await service.rows('COMMIT');
      const { status, body } = await first;
      expect(status).toBe(200);
      const repeated = await last;
      expect([repeated.status, repeated.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
      expect(repeated.body).toEqual(body);
      expect(await made('under way here')).toBe(1);
    }, 60_000);

    it('that one under way in another process has, are told so after a while, and of its end later', async () => {
      const keyId = v7();
      const { body } = await bulk('under way there', keyId);
      // As if the other process had not come to its end yet.
      const [row] = await service.rows<Record<string, unknown>>(
        `DELETE FROM idempotency WHERE created_at = (SELECT max(created_at) FROM idempotency) RETURNING *`,
      );
      await service.rows('BEGIN');
      await service.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `directory ${service.workspaceId}`,
      ]);
      await service.rows(
        'INSERT INTO idempotency SELECT * FROM json_populate_record(NULL::idempotency, $1)',
        [
          JSON.stringify({
            ...row,
            fingerprint: `\\x${(row?.fingerprint as Buffer).toString('hex')}`,
            body_hash: `\\x${(row?.body_hash as Buffer).toString('hex')}`,
            answer: `\\x${(row?.answer as Buffer).toString('hex')}`,
          }),
        ],
      );
      // Others wait for the directory in this process.
      const others = [service.group('waits for it', []), service.users(['waits@for.it'])];
      expect(await bulk('under way there', keyId)).toMatchObject(inProgress);
      const last = bulk('under way there', keyId);
      await service.rows('COMMIT');
      const repeated = await last;
      expect([repeated.status, repeated.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
      expect(repeated.body).toEqual(body);
      expect(await made('under way there')).toBe(1);
      await Promise.all(others);
    }, 60_000);
  });
});
