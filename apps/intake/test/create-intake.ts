import type { DirectoryPerson, Envelope, JobData, JobType, RequestSnapshot } from '@countersign/contracts';
import { createTestService, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { AppModule } from '../src/app.module';
import { migrations } from '../src/migrations';

export interface Intake extends TestService {
  message<K extends JobType>(type: K, data: JobData<K>): Envelope<JobData<K>>;
  /** Sends a message and waits for its effect. */
  tell<K extends JobType>(type: K, data: JobData<K>): Promise<Envelope>;
  /** Makes somebody known, by their user name. */
  meet(userName: string): Promise<DirectoryPerson>;
  /** The request as last stored. */
  snapshot(requestId: string): Promise<RequestSnapshot>;
}

/** The service in this process, with a database and a Redis database of its own. */
export const createIntake = async (): Promise<Intake> => {
  const service = await createTestService({ service: 'intake', module: AppModule, migrations });
  const message: Intake['message'] = (type, data) => ({
    id: v7(),
    type,
    source: 'routing',
    occurredAt: new Date().toISOString(),
    workspaceId: service.workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data,
  });
  const tell: Intake['tell'] = async (type, data) => {
    const envelope = message(type, data);
    await service.send(envelope);
    await service.handled(envelope);
    return envelope;
  };
  return {
    ...service,
    message,
    tell,
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
      await tell('directory.changed.v1', { people: [person], deleted: [] });
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
