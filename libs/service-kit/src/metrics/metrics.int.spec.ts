import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { jobsOf, type Envelope, type JobType } from '@countersign/contracts';
import {
  causeOf,
  createMessagingTables,
  Handles,
  PoisonMessage,
  type Message,
  type Tx,
} from '@countersign/messaging';
import { Controller, Module } from '@nestjs/common';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { v7 } from 'uuid';
import { createTestService, until, type TestService } from '../../test';

class Tables1763690000000 implements MigrationInterface {
  up(runner: QueryRunner): Promise<void> {
    return createMessagingTables(runner, 'audit');
  }
  async down(): Promise<void> {}
}

/** A service that takes what the audit service takes, and does with it what a test wants. */
@Controller()
class Handlers {
  static handle: (messages: readonly Message[], tx: Tx) => Promise<void>;

  @Handles('directory.changed.v1')
  async changed(messages: Message<'directory.changed.v1'>[], tx: Tx): Promise<void> {
    for (const message of messages)
      tx.publish({
        type: 'directory.find.v1',
        workspaceId: message.workspaceId,
        cause: causeOf(message),
        data: { questionId: v7(), asker: 'audit', refs: ['alice'] },
      });
  }
}
// Every other job of the queue: a service that lacks a handler does not start.
for (const type of jobsOf('audit').filter((other) => other !== 'directory.changed.v1')) {
  const value = (messages: Message[], tx: Tx): Promise<void> => Handlers.handle(messages, tx);
  const method = { value, configurable: true, writable: true, enumerable: false };
  Object.defineProperty(Handlers.prototype, type, method);
  Handles(type)(Handlers.prototype, type, method);
}

@Module({ controllers: [Handlers] })
class AppModule {}

/** A road to Redis that can be closed: `silent` keeps connections and passes nothing, `cut` ends them. */
const roadToRedis = async () => {
  const redis = new URL(process.env.TEST_REDIS_URL ?? '');
  let state: 'open' | 'silent' | 'cut' = 'open';
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = connect(Number(redis.port), redis.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => state === 'open' && to.write(bytes));
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(redis.href);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const cutAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    url,
    open: () => {
      // What was swallowed would be missing in the middle of a connection.
      cutAll();
      state = 'open';
    },
    silence: () => void (state = 'silent'),
    cut: () => {
      state = 'cut';
      cutAll();
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        cutAll();
      }),
  };
};

let road: Awaited<ReturnType<typeof roadToRedis>>;
let service: TestService;

const messageOf = (type: JobType, data: unknown): Envelope => ({
  id: v7(),
  type,
  source: 'approver-resolution',
  occurredAt: new Date().toISOString(),
  workspaceId: service.workspaceId,
  correlationId: v7(),
  causationId: null,
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  data,
});
const found = () => messageOf('directory.found.v1', { questionId: v7(), people: [] });
const changed = () => messageOf('directory.changed.v1', { people: [], deleted: [] });

/** The values by series, as `name{label="value",…}`. */
const scrape = async (): Promise<Map<string, number>> => {
  const { status, text } = await service.get('/metrics');
  expect(status).toBe(200);
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
};

const handled = (type: string, outcome: string) =>
  `countersign_messages_handled_total{queue="audit",type="${type}",outcome="${outcome}"}`;
const outbox = (what: string, queue: string, type: string) =>
  `countersign_outbox_${what}{queue="${queue}",type="${type}"}`;
const waitingInAudit = 'countersign_queue_jobs{queue="audit",state="waiting"}';

beforeAll(async () => {
  road = await roadToRedis();
  Handlers.handle = async () => undefined;
  service = await createTestService({
    service: 'audit',
    module: AppModule,
    migrations: [Tables1763690000000],
  });
}, 60_000);
afterAll(async () => {
  await service.stop();
  await road.close();
}, 30_000);

describe('the metrics of a service', () => {
  it('are there from the start, at zero, in the format of Prometheus', async () => {
    const answer = await service.get('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    // Once the connection to Redis is up.
    const series = await until(async () => {
      const now = await scrape();
      return now.has(waitingInAudit) && now;
    });
    for (const name of [
      handled('directory.found.v1', 'done'),
      handled('directory.found.v1', 'dead'),
      'countersign_messages_active{queue="audit",type="directory.found.v1"}',
      'countersign_handler_duration_seconds_count{queue="audit",type="directory.found.v1"}',
      waitingInAudit,
      'countersign_queue_oldest_seconds{queue="audit"}',
      handled('directory.found.v1', 'postponed'),
      outbox('messages', 'approver-resolution', 'directory.find.v1'),
      outbox('oldest_seconds', 'approver-resolution', 'directory.find.v1'),
      'countersign_outbox_resent_total{queue="approver-resolution"}',
      'countersign_dead_letters{queue="audit",type="directory.found.v1"}',
    ])
      expect([name, series.get(name)]).toEqual([name, 0]);
    expect(series.get('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(series.get('nodejs_eventloop_active_seconds_total')).toBeGreaterThan(0);
  });

  it('count what was handled, what came again, and the time it took', async () => {
    const [once, twice] = [found(), found()];
    await service.send(once, twice);
    await service.handled(once, twice);
    await service.send(twice);
    const series = await until(async () => {
      const now = await scrape();
      return now.get(handled('directory.found.v1', 'repeated')) === 1 && now;
    });
    expect(series.get(handled('directory.found.v1', 'done'))).toBe(2);
    const seconds = 'countersign_handler_duration_seconds';
    expect(series.get(`${seconds}_count{queue="audit",type="directory.found.v1"}`)).toBe(2);
    expect(series.get(`${seconds}_bucket{le="10",queue="audit",type="directory.found.v1"}`)).toBe(2);
  });

  it('count tries and dead letters until those are replayed', async () => {
    let tries = 0;
    Handlers.handle = async () => {
      if (++tries < 3) throw new Error('not yet');
      throw new PoisonMessage('never');
    };
    const message = found();
    await service.send(message);
    const name = 'countersign_dead_letters{queue="audit",type="directory.found.v1"}';
    const series = await until(async () => {
      const now = await scrape();
      return now.get(name) === 1 && now;
    });
    expect(series.get(handled('directory.found.v1', 'retried'))).toBe(2);
    expect(series.get(handled('directory.found.v1', 'dead'))).toBe(1);
    Handlers.handle = async () => undefined;
    await service.sql('UPDATE dead_letter SET replayed_at = now()');
    await until(async () => (await scrape()).get(name) === 0);
  });

  it('name no type that others made up', async () => {
    await service.send({ ...found(), type: 'made-up.v1' });
    const name = handled('unknown', 'dead');
    await until(async () => (await scrape()).get(name) === 1);
    const { text } = await service.get('/metrics');
    expect(text).not.toContain('made-up');
    await until(
      async () => (await scrape()).get('countersign_dead_letters{queue="audit",type="unknown"}') === 1,
    );
  });

  it('show jobs that wait while the handler is at work, and their age', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    Handlers.handle = () => gate;
    const messages = [found(), found(), found()];
    for (const message of messages) await service.send(message);
    const oldest = 'countersign_queue_oldest_seconds{queue="audit"}';
    const series = await until(async () => {
      const now = await scrape();
      return (now.get(oldest) ?? 0) > 1 && now;
    });
    expect(series.get(waitingInAudit)).toBe(2);
    expect(series.get('countersign_queue_jobs{queue="audit",state="active"}')).toBe(1);
    expect(series.get('countersign_messages_active{queue="audit",type="directory.found.v1"}')).toBe(1);
    release();
    Handlers.handle = async () => undefined;
    await service.handled(...messages);
    await until(async () => (await scrape()).get(oldest) === 0);
    expect((await scrape()).get('countersign_messages_active{queue="audit",type="directory.found.v1"}')).toBe(
      0,
    );
  });

  it('show what a receiver that is away has not settled, its age, and that it is sent again', async () => {
    const messages = [changed(), changed()];
    await service.send(...messages);
    await service.handled(...messages);
    const series = await until(async () => {
      const now = await scrape();
      return (now.get('countersign_outbox_resent_total{queue="approver-resolution"}') ?? 0) >= 2 && now;
    }, 20_000);
    expect(series.get(outbox('messages', 'approver-resolution', 'directory.find.v1'))).toBe(2);
    expect(series.get(outbox('oldest_seconds', 'approver-resolution', 'directory.find.v1'))).toBeGreaterThan(
      4,
    );
    expect(series.get(outbox('messages', 'approver-resolution', 'approvers.resolve.v1'))).toBe(0);
    expect(series.get(outbox('messages', 'routing', 'request.submit.v1'))).toBe(0);
    await service.sql('DELETE FROM outbox_destination');
    await until(
      async () => (await scrape()).get(outbox('messages', 'approver-resolution', 'directory.find.v1')) === 0,
    );
  });

  it.each(['cut', 'silence'] as const)(
    'answer within a second without the queues while Redis is away (%s), and all is well again afterwards',
    async (how) => {
      await service.restart({ REDIS_URL: road.url.href });
      await until(async () => (await scrape()).has(waitingInAudit));
      road[how]();
      for (const giveUpAt = Date.now() + 3_000; Date.now() < giveUpAt;) {
        const askedAt = performance.now();
        const series = await scrape();
        expect(performance.now() - askedAt).toBeLessThan(1_000);
        expect(series.has(outbox('messages', 'approver-resolution', 'directory.find.v1'))).toBe(true);
      }
      expect((await scrape()).has(waitingInAudit)).toBe(false);
      expect((await service.get('/healthz')).status).toBe(200);
      road.open();
      await until(async () => (await scrape()).has(waitingInAudit), 20_000);
    },
    60_000,
  );
});
