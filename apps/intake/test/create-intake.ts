import { createTestService, type TestService } from '@countersign/service-kit/test';
import { AppModule } from '../src/app.module';
import { migrations } from '../src/migrations';

/** The service in this process, with a database and a Redis database of its own. */
export const createIntake = (): Promise<TestService> =>
  createTestService({ service: 'intake', module: AppModule, migrations });
