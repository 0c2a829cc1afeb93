import { createTestService, type TestService } from '@countersign/service-kit/test';
import { Module } from '@nestjs/common';
import { AppModule } from '../src/app.module';
import { Clock } from '../src/clock';
import { migrations } from '../src/migrations';

/** The service in this process, with a database and a Redis database of its own; it may call webhooks on this machine. */
export const createNotification = (
  env: Record<string, string> = {},
  clock: Clock = new Clock(),
): Promise<TestService> => {
  @Module({
    imports: Reflect.getMetadata('imports', AppModule),
    controllers: Reflect.getMetadata('controllers', AppModule),
    providers: [...Reflect.getMetadata('providers', AppModule), { provide: Clock, useValue: clock }],
  })
  class OnThisClock {}
  return createTestService({
    service: 'notification',
    module: OnThisClock,
    migrations,
    env: {
      COUNTERSIGN_PUBLIC_URL: 'https://countersign.example.com',
      COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8',
      ...env,
    },
  });
};
