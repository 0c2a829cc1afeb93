import type { JobType } from '@countersign/contracts';
import { createTestService, until, type SentMessage, type TestService } from '@countersign/service-kit/test';
import { Module } from '@nestjs/common';
import 'reflect-metadata';
import { AppModule } from '../src/app.module';
import { Clock } from '../src/clock';
import { appendOnly, migrations } from '../src/migrations';

export interface Routing extends TestService {
  /** Lets time pass for everything that happens to requests, in milliseconds. */
  pass(ms: number): void;
  /** What the service has sent of a type once it is as many. */
  untilSent<K extends JobType>(type: K, count: number): Promise<SentMessage<K>[]>;
}

/** The service in this process, on a database, a Redis database and a clock of its own. */
export const createRouting = async (): Promise<Routing> => {
  let passed = 0;
  const clock = { now: () => new Date(Date.now() + passed) };
  @Module({
    imports: Reflect.getMetadata('imports', AppModule),
    controllers: Reflect.getMetadata('controllers', AppModule),
    providers: [...Reflect.getMetadata('providers', AppModule), { provide: Clock, useValue: clock }],
  })
  class TimelessModule {}
  const service = await createTestService({
    service: 'routing',
    module: TimelessModule,
    migrations,
    appendOnly,
    now: clock.now,
  });
  return {
    ...service,
    pass: (ms) => void (passed += ms),
    untilSent: <K extends JobType>(type: K, count: number) =>
      until(async () => {
        const envelopes = await service.sent(type);
        return envelopes.length >= count && envelopes;
      }),
  };
};
