import { Client } from 'pg';
import { auditEntries, recomputedLeafHash, rootOver, verifiedCheckpoint } from './audit-log';
import { eventually } from './eventually';
import { expectStatus, type Json } from './http-client';
import { flushRedis, killService } from './nemeses';
import { createUser, deactivateUser, type ScimResource } from './organisation';
import { RecordingServer } from './recording-server';
import { decide, submit, untilState, untilTasks } from './requests';
import { wordsInRedis, wordsInTables } from './stored-words';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

jest.setTimeout(240_000);

const count = 60;
const words = ['zoe.markword', 'Zoë Markword', 'title-markword', 'payload-markword'];
const services = ['intake', 'routing', 'approver-resolution', 'notification', 'audit'] as const;
/** What four of them have to change. */
const tables = ['intake.request', 'routing.request', 'approver_resolution.resolution', 'notification.event'];

/** What each of them has written down to do. */
const work = ['intake', 'routing', 'approver_resolution', 'notification', 'audit']
  .map((schema) => `SELECT FROM ${schema}.erasure_work WHERE fence IS NOT NULL`)
  .join(' UNION ALL ');

let system: TestSystem;
let subscriber: RecordingServer;
let zoe: ScimResource;

beforeAll(async () => {
  subscriber = await RecordingServer.start();
  system = await startTestSystem({ replicas: { audit: 2 } });
  const { admin } = system;
  const bob = await createUser(admin, { userName: 'bob@example.com', displayName: 'Bob' });
  zoe = await createUser(admin, {
    userName: 'zoe.markword@example.com',
    displayName: 'Zoë Markword',
    manager: bob.id,
  });
  await publish(
    admin,
    workflowOf('purchase', '  - key: manager\n    approvers: [ { manager: { levels: 1 } } ]\n'),
  );
  expectStatus(
    await admin.post('/v1/webhook-endpoints', {
      url: subscriber.url('/'),
      events: ['*'],
      format: 'standard',
    }),
    201,
  );
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { id } = await submit(admin, {
        workflow: 'purchase',
        title: 'title-markword',
        requester: zoe.id,
        payload: { note: 'payload-markword' },
      });
      const [task] = await untilTasks(admin, id);
      expectStatus(await decide(admin, task!, 'approve', { comment: 'Fine with Zoë Markword' }), 200);
      await untilState(admin, id, 'completed');
    }),
  );
  await eventually('everybody has been told', async () => {
    const [told] = await system.sql<{ entries: number; open: number }>(
      `SELECT (SELECT count(DISTINCT request_id)::int FROM audit.entry WHERE type = 'request.completed') AS entries,
              (SELECT count(*)::int FROM notification.outbox_destination) AS open`,
    );
    return told?.entries === count && told.open === 0;
  });
  await deactivateUser(admin, zoe.id);
});

afterAll(async () => {
  await system?.stop();
  await subscriber?.stop();
});

describe('an erasure under way in every service', () => {
  it('ends as if nothing had been when all of them are killed, and Redis loses everything', async () => {
    const { admin } = system;
    const blocker = new Client({ connectionString: system.databaseUrl });
    await blocker.connect();
    let erasure: Json & { id: string };
    try {
      await blocker.query('BEGIN');
      // This has no transaction id: nobody waits for it before they begin.
      await blocker.query(`LOCK TABLE ${tables.join(', ')} IN SHARE MODE`);
      erasure = expectStatus(
        await admin.post<Json & { id: string }>('/v1/audit/erasures', {
          subject: zoe.id,
          reason: 'A letter',
        }),
        201,
      );
      await eventually('every service is in the midst of it', async () => {
        // One is held up while it writes, and some wait for its transaction before they do.
        const [now] = await system.sql<{ waiting: number; begun: number }>(
          `SELECT (SELECT count(DISTINCT pid)::int FROM pg_locks WHERE NOT granted) AS waiting,
                  (SELECT count(*)::int FROM (${work}) AS w) AS begun`,
        );
        return now?.begun === services.length && now.waiting > 0;
      });
      await flushRedis.strike(system);
      for (const name of services) await killService(name).strike(system);
    } finally {
      await blocker.end();
    }
    await eventually(
      'the erasure is done',
      async () => (await admin.get<Json>(`/v1/audit/erasures/${erasure.id}`)).body.state === 'done',
      { withinMs: 90_000 },
    );
  });

  it('leaves no word, and a log that verifies and tells of it once', async () => {
    await eventually('nothing under way', async () => {
      const open = await Promise.all(
        ['intake', 'routing', 'approver_resolution', 'notification', 'audit'].map((schema) =>
          system.sql(`SELECT 1 FROM ${schema}.outbox_destination LIMIT 1`),
        ),
      );
      return open.every(({ length }) => length === 0);
    });
    expect(await wordsInTables(system, words)).toEqual([]);
    expect(await wordsInRedis(system.redisUrl, words)).toEqual([]);
    const entries = await auditEntries(system.admin);
    for (const entry of entries) expect(recomputedLeafHash(entry)).toBe(entry.leafHash);
    const checkpoint = await verifiedCheckpoint(system.admin);
    expect(checkpoint.root.toString('base64')).toBe(rootOver(entries));
    expect(entries.filter(({ type }) => type.startsWith('erasure.')).map(({ type }) => type)).toEqual([
      'erasure.requested',
      'erasure.completed',
    ]);
  });
});
