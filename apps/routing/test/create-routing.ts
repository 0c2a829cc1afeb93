import type { Envelope, JobData, JobType } from '@countersign/contracts';
import { createTestService, until, type TestService } from '@countersign/service-kit/test';
import { Module } from '@nestjs/common';
import 'reflect-metadata';
import { v7 } from 'uuid';
import { AppModule } from '../src/app.module';
import { Clock } from '../src/clock';
import { appendOnly, migrations } from '../src/migrations';

export interface Routing extends TestService {
  /** Lets time pass for everything that happens to requests, in milliseconds. */
  pass(ms: number): void;
  message<K extends JobType>(type: K, data: JobData<K>): Envelope<JobData<K>>;
  /** Sends a message and waits for its effect. */
  tell<K extends JobType>(type: K, data: JobData<K>): Promise<Envelope>;
  /** What the service has sent of a type, oldest first; nobody settles what goes to other services. */
  sent<K extends JobType>(type: K): Promise<Envelope<JobData<K>>[]>;
  /** The same once there are as many. */
  untilSent<K extends JobType>(type: K, count: number): Promise<Envelope<JobData<K>>[]>;
}

/** The service in this process, on a database, a Redis database and a clock of its own. */
export const createRouting = async (): Promise<Routing> => {
  let passed = 0;
  const clock = { now: () => new Date(Date.now() + passed) };
  @Module({
    controllers: Reflect.getMetadata('controllers', AppModule),
    providers: [...Reflect.getMetadata('providers', AppModule), { provide: Clock, useValue: clock }],
  })
  class TimelessModule {}
  const service = await createTestService({
    service: 'routing',
    module: TimelessModule,
    migrations,
    appendOnly,
  });
  const message: Routing['message'] = (type, data) => ({
    id: v7(),
    type,
    source: 'intake',
    occurredAt: new Date().toISOString(),
    workspaceId: service.workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data,
  });
  const sent = async <K extends JobType>(type: K) =>
    (
      await service.sql<{ envelope: Envelope<JobData<K>> }>(
        `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = $1 ORDER BY id`,
        [type],
      )
    ).map(({ envelope }) => envelope);
  return {
    ...service,
    pass: (ms) => void (passed += ms),
    message,
    async tell(type, data) {
      const envelope = message(type, data);
      await service.send(envelope);
      await service.handled(envelope);
      return envelope;
    },
    sent,
    untilSent: <K extends JobType>(type: K, count: number) =>
      until(async () => {
        const envelopes = await sent(type);
        return envelopes.length >= count && envelopes;
      }),
  };
};
