import { jobsOf, queuesOf, type ConsumerService, type JobType } from '@countersign/contracts';
import { Redis } from 'ioredis';
import { v7 } from 'uuid';
import { ScratchDatabase, testRedisUrl } from '../test/scratch-database';
import { PoisonMessage } from './failures';
import type { Message, Tx } from './message';
import { Messaging } from './messaging';
import { childSpan, traceIdOf } from './trace-context';

jest.setTimeout(60_000);

const workspaceId = v7();
const cause = () => ({ correlationId: v7(), causationId: null, traceparent: childSpan(null) });

const until = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  ms = 20_000,
): Promise<void> => {
  const giveUpAt = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Two services on real PostgreSQL and Redis: `routing` sends, `approver-resolution` does what a test wants. */
describe('messaging between two services', () => {
  let database: ScratchDatabase;
  let redis: Redis;
  let sender: Messaging;
  let receiver: Messaging;
  let handle: (messages: Message[], tx: Tx) => Promise<void>;
  const faults: string[] = [];

  const service = async (name: ConsumerService): Promise<Messaging> => {
    const messaging = new Messaging({
      service: name,
      redisUrl: testRedisUrl(),
      application: await database.connect(name, 'app'),
      relay: await database.connect(name, 'relay'),
      onFault: (what, error) => faults.push(`${what}: ${String(error)}`),
    });
    for (const type of queuesOf(name).flatMap(jobsOf)) {
      messaging.server.addHandler(
        type,
        async (messages: Message[], tx: Tx) => (name === 'routing' ? undefined : handle(messages, tx)),
        true,
      );
    }
    await new Promise<void>(
      (resolve, reject) =>
        void messaging.server.listen((error) => (error ? reject(error as Error) : resolve())),
    );
    messaging.start();
    return messaging;
  };

  const find = (refs: string[]) => ({
    type: 'directory.find.v1' as const,
    workspaceId,
    cause: cause(),
    data: { questionId: v7(), asker: 'routing', refs },
  });

  const settled = () =>
    until(
      'everything settled',
      async () =>
        (await database.count('routing.outbox_destination')) === 0 &&
        (await database.count('routing.outbox_message')) === 0,
    );

  beforeAll(async () => {
    redis = new Redis(testRedisUrl());
    await redis.flushall();
    database = await ScratchDatabase.create(['routing', 'approver-resolution']);
    await database.owner.query(
      'CREATE TABLE approver_resolution.effect (workspace_id uuid, message_id uuid, at serial)',
    );
    await database.owner.query(
      'GRANT ALL ON ALL TABLES IN SCHEMA approver_resolution TO countersign_approver_resolution',
    );
    await database.owner.query(
      'GRANT USAGE ON ALL SEQUENCES IN SCHEMA approver_resolution TO countersign_approver_resolution',
    );
    handle = async (messages, tx) => {
      await tx.query(
        'INSERT INTO effect (workspace_id, message_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])',
        [messages.map((message) => message.workspaceId), messages.map((message) => message.id)],
      );
    };
    sender = await service('routing');
    receiver = await service('approver-resolution');
  });

  afterAll(async () => {
    for (const messaging of [sender, receiver]) {
      await messaging?.server.close();
      await messaging?.stop();
    }
    await redis.quit();
    await database.drop();
  });

  const effects = () => database.count('approver_resolution.effect');
  const standard = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = handle;
    try {
      return await work();
    } finally {
      handle = before;
    }
  };

  it('delivers what was committed, has its effect once, and forgets it when it is settled', async () => {
    const before = await effects();
    await sender.unitOfWork([workspaceId], async (tx) => tx.publish(find(['alice'])));
    await until('the effect', async () => (await effects()) === before + 1);
    await settled();
    expect(await database.count('approver_resolution.inbox')).toBeGreaterThan(0);
  });

  it('delivers nothing of a transaction that was rolled back', async () => {
    const before = await effects();
    await expect(
      sender.unitOfWork([workspaceId], async (tx) => {
        tx.publish(find(['alice']));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await effects()).toBe(before);
    expect(await database.count('routing.outbox_message')).toBe(0);
  });

  it('refuses to publish what does not fit its contract', async () => {
    await expect(
      sender.unitOfWork([workspaceId], async (tx) =>
        tx.publish({ ...find([]), data: { questionId: 'x', asker: 'routing', refs: [] } }),
      ),
    ).rejects.toBeInstanceOf(PoisonMessage);
  });

  it('carries trace and correlation through the hop', async () => {
    const seen: Message[] = [];
    await standard(async () => {
      handle = async (messages) => void seen.push(...messages);
      const publication = find(['alice']);
      await sender.unitOfWork([workspaceId], async (tx) => tx.publish(publication));
      await until('the message', () => seen.length === 1);
      expect(seen[0]?.correlationId).toBe(publication.cause.correlationId);
      expect(traceIdOf(seen[0]?.traceparent)).toBe(traceIdOf(publication.cause.traceparent));
    });
  });

  it('loses and doubles nothing when Redis is wiped in the middle of load', async () => {
    const before = await effects();
    const total = 400;
    const send = async (count: number) => {
      for (let sent = 0; sent < count; sent += 4) {
        await sender.unitOfWork([workspaceId], async (tx) => {
          for (let i = 0; i < 4; i++) tx.publish(find([`person-${i}`]));
        });
      }
    };
    const load = Promise.all(Array.from({ length: 4 }, () => send(total / 4)));
    for (let wipe = 0; wipe < 5; wipe++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await redis.flushall();
    }
    await load;
    await redis.flushall();
    await until('all effects', async () => (await effects()) >= before + total, 30_000);
    await settled();
    expect(await effects()).toBe(before + total);
    const { rows } = await database.owner.query(
      'SELECT message_id FROM approver_resolution.effect GROUP BY message_id HAVING count(*) > 1',
    );
    expect(rows).toEqual([]);
  });

  it('loses and doubles nothing when every database connection is cut in the middle of load', async () => {
    const before = await effects();
    let committed = 0;
    const send = async () => {
      for (let i = 0; i < 30; i++) {
        await sender
          .unitOfWork([workspaceId], async (tx) => tx.publish(find(['bob'])))
          .then(
            () => committed++,
            () => undefined,
          );
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const load = Promise.all([send(), send(), send()]);
    for (let cut = 0; cut < 3; cut++) {
      await new Promise((resolve) => setTimeout(resolve, 80));
      await database.owner.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    }
    await load;
    await settled();
    // A commit whose answer was cut off may have happened: never fewer than acknowledged, and each at most once.
    expect(await effects()).toBeGreaterThanOrEqual(before + committed);
    const { rows } = await database.owner.query(
      'SELECT message_id FROM approver_resolution.effect GROUP BY message_id HAVING count(*) > 1',
    );
    expect(rows).toEqual([]);
  });

  it('turns poison into a dead letter that can be listed and replayed', async () => {
    await standard(async () => {
      const usual = handle;
      handle = async () => {
        throw new PoisonMessage('cannot be');
      };
      await sender.unitOfWork([workspaceId], async (tx) => tx.publish(find(['carol'])));
      await until('the dead letter', async () => (await receiver.deadLetters.list()).length === 1);
      await settled();
      handle = usual;
      const before = await effects();
      const [letter] = await receiver.deadLetters.list();
      expect(letter).toMatchObject({
        type: 'directory.find.v1',
        queue: 'approver-resolution',
        error: 'PoisonMessage: cannot be',
      });
      expect(await receiver.deadLetters.replay(letter?.id ?? '')).toBe(true);
      expect(await receiver.deadLetters.replay(letter?.id ?? '')).toBe(false);
      await until('the replay', async () => (await effects()) === before + 1);
      expect(await receiver.deadLetters.list()).toEqual([]);
    });
  });

  it('retries a failing message with backoff and keeps what was packed with it', async () => {
    await standard(async () => {
      const usual = handle;
      const tries: number[] = [];
      const before = await effects();
      handle = async (messages, tx) => {
        if (messages.some(({ data }) => (data as { refs: string[] }).refs[0] === 'moody')) {
          tries.push(Date.now());
          if (tries.length < 4) throw new Error('not now');
        }
        await usual(messages, tx);
      };
      await sender.unitOfWork([workspaceId], async (tx) => {
        for (const name of ['calm', 'moody', 'calm']) tx.publish(find([name]));
      });
      await until('all three', async () => (await effects()) === before + 3);
      expect(tries.length).toBeGreaterThanOrEqual(4);
      await settled();
    });
  });

  it('keeps workspaces apart: a transaction sees only the rows of those it names', async () => {
    const pool = await database.connect('approver-resolution', 'app');
    const other = v7();
    expect(await pool.read(workspaceId, (sql) => sql.query('SELECT 1 FROM inbox LIMIT 1'))).toHaveLength(1);
    expect(await pool.read(other, (sql) => sql.query('SELECT 1 FROM inbox'))).toHaveLength(0);
    expect(await pool.transaction([], (sql) => sql.query('SELECT 1 FROM inbox'))).toHaveLength(0);
    await expect(
      pool.transaction([other], (sql) =>
        sql.query('INSERT INTO inbox (queue, message_id, workspace_id) VALUES ($1, $2, $3)', [
          'x',
          v7(),
          workspaceId,
        ]),
      ),
    ).rejects.toThrow(/row-level security/);
  });

  it('does not start when a catalogued job lacks a handler, or a handler its job', async () => {
    const build = async (types: string[]) => {
      const messaging = new Messaging({
        service: 'audit',
        redisUrl: testRedisUrl(),
        application: await database.connect('routing', 'app'),
        relay: await database.connect('routing', 'relay'),
        onFault: () => undefined,
      });
      for (const type of types) messaging.server.addHandler(type, async () => undefined, true);
      const error = await new Promise<unknown>((resolve) => void messaging.server.listen(resolve));
      await messaging.server.close();
      await messaging.stop();
      return error instanceof Error ? error.message : null;
    };
    const all: JobType[] = jobsOf('audit');
    expect(await build(all.slice(1))).toMatch(`no handler for ${all[0]}`);
    expect(await build([...all, 'request.submit.v1'])).toMatch('a handler for request.submit.v1');
    expect(await build([...all, all[0] ?? ''])).toMatch(`two handlers for ${all[0]}`);
    expect(await build(all)).toBeNull();
  });
});
