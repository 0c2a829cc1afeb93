import { createTestService, type TestService } from '@countersign/service-kit/test';
import { AppModule } from '../src/app.module';
import { appendOnly, migrations } from '../src/migrations';

/** The service in this process, with a database and a Redis database of its own. */
export const createAudit = (env: Record<string, string> = {}): Promise<TestService> =>
  createTestService({ service: 'audit', module: AppModule, migrations, appendOnly, env });
