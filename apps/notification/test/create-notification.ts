import { createTestService, type TestService } from '@countersign/service-kit/test';
import { AppModule } from '../src/app.module';
import { migrations } from '../src/migrations';

/** The service in this process, with a database and a Redis database of its own; it may call webhooks on this machine. */
export const createNotification = (env: Record<string, string> = {}): Promise<TestService> =>
  createTestService({
    service: 'notification',
    module: AppModule,
    migrations,
    env: {
      COUNTERSIGN_PUBLIC_URL: 'https://countersign.example.com',
      COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8',
      ...env,
    },
  });
