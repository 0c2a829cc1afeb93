import type { DirectoryPerson, RequestSnapshot } from '@countersign/contracts';
import { createTestService, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { AppModule } from '../src/app.module';
import { migrations } from '../src/migrations';

export interface Intake extends TestService {
  /** Makes somebody known, by their user name. */
  meet(userName: string): Promise<DirectoryPerson>;
  /** The request as last stored. */
  snapshot(requestId: string): Promise<RequestSnapshot>;
}

/** The service in this process, with a database and a Redis database of its own. */
export const createIntake = async (): Promise<Intake> => {
  const service = await createTestService({ service: 'intake', module: AppModule, migrations });
  return {
    ...service,
    async meet(userName) {
      const person: DirectoryPerson = {
        id: v7(),
        externalId: null,
        userName,
        displayName: userName,
        email: null,
        department: null,
        region: null,
        approvalLimit: null,
        groups: [],
        manager: null,
        active: true,
        version: 1,
      };
      await service.tell('directory.changed.v1', { people: [person], deleted: [] });
      return person;
    },
    async snapshot(requestId) {
      const [row] = await service.sql<{ snapshot: RequestSnapshot }>(
        'SELECT snapshot FROM request WHERE id = $1',
        [requestId],
      );
      if (!row) throw new Error('no such request');
      return row.snapshot;
    },
  };
};
