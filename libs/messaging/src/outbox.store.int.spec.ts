import { madeAt, type JobType, type QueueName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';
import { v7 } from 'uuid';
import { ScratchDatabase } from '../test/scratch-database';
import type { OutgoingMessage } from './message';
import { NameOutboxTypes1763720000000 } from './messaging.tables';
import { outboxBacklog } from './outbox-backlog';
import { outboxStatement, PostgresOutbox } from './outbox.store';

const workspaceId = v7();
const queues: QueueName[] = ['intake', 'notification', 'audit'];

describe('the outbox', () => {
  let database: ScratchDatabase;
  let application: Database;
  let relay: Database;
  let outbox: PostgresOutbox;

  beforeAll(async () => {
    database = await ScratchDatabase.create(['routing']);
    application = await database.connect('routing', 'app');
    relay = await database.connect('routing', 'relay');
    outbox = new PostgresOutbox(relay);
  });
  beforeEach(() => database.owner.query('TRUNCATE routing.outbox_message, routing.outbox_destination'));
  afterAll(() => database.drop());

  const store = async (
    count: number,
    type: JobType = 'request.transitioned.v1',
    to: readonly QueueName[] = queues,
  ): Promise<string[]> => {
    const messages = Array.from(
      { length: count },
      () =>
        ({
          envelope: { id: v7(), type, workspaceId, data: {} },
          queues: to,
        }) as unknown as OutgoingMessage,
    );
    const { text, values } = outboxStatement(messages);
    await application.transaction([workspaceId], (sql) => sql.query(text, values));
    return messages.map(({ envelope }) => envelope.id);
  };

  const left = async (): Promise<[messages: number, destinations: number]> => [
    await database.count('routing.outbox_message'),
    await database.count('routing.outbox_destination'),
  ];

  it('keeps a message until all of its receivers have settled it', async () => {
    const [first = '', second = ''] = await store(2);
    const settled = (messageId: string, queue: QueueName) => ({ messageId, queue });
    await outbox.forget([
      settled(first, 'intake'),
      settled(second, 'intake'),
      settled(first, 'notification'),
      settled(first, 'intake'),
    ]);
    expect(await left()).toEqual([2, 3]);
    await outbox.forget([settled(first, 'audit'), settled(first, 'intake'), settled(v7(), 'intake')]);
    expect(await left()).toEqual([1, 2]);
    await outbox.forget([settled(second, 'audit'), settled(second, 'notification')]);
    expect(await left()).toEqual([0, 0]);
  });

  it('tells what waits for each destination by type, and since when', async () => {
    expect(await outboxBacklog(relay)).toEqual([]);
    const [settled = '', oldest = ''] = await store(3);
    await outbox.forget([{ messageId: settled, queue: 'audit' }]);
    const [command = ''] = await store(1, 'command.settled.v1', ['intake']);
    const backlog = await outboxBacklog(relay);
    expect(backlog).toHaveLength(4);
    expect(backlog).toEqual(
      expect.arrayContaining([
        { queue: 'audit', type: 'request.transitioned.v1', messages: 2, oldestPublishedAt: madeAt(oldest) },
        { queue: 'intake', type: 'request.transitioned.v1', messages: 3, oldestPublishedAt: madeAt(settled) },
        { queue: 'intake', type: 'command.settled.v1', messages: 1, oldestPublishedAt: madeAt(command) },
      ]),
    );
  });

  it('gets along with rows that an older version wrote, which do not say their type', async () => {
    await store(1, 'command.settled.v1', ['intake']);
    await database.owner.query('ALTER TABLE routing.outbox_destination DROP COLUMN type');
    await new NameOutboxTypes1763720000000().up({
      query: (text: string) => database.owner.query(`SET search_path = routing; ${text}`),
    } as unknown as QueryRunner);
    await store(1, 'command.settled.v1', ['intake']);
    expect((await outboxBacklog(relay)).map(({ type, messages }) => [type, messages]).sort()).toEqual([
      [null, 1],
      ['command.settled.v1', 1],
    ]);
  });
});
