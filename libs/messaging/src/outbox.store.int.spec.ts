import type { QueueName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';
import { v7 } from 'uuid';
import { ScratchDatabase } from '../test/scratch-database';
import type { OutgoingMessage } from './message';
import { outboxStatement, PostgresOutbox } from './outbox.store';

const workspaceId = v7();
const queues: QueueName[] = ['intake', 'notification', 'audit'];

describe('the outbox', () => {
  let database: ScratchDatabase;
  let application: Database;
  let outbox: PostgresOutbox;

  beforeAll(async () => {
    database = await ScratchDatabase.create(['routing']);
    application = await database.connect('routing', 'app');
    outbox = new PostgresOutbox(await database.connect('routing', 'relay'));
  });
  afterAll(() => database.drop());

  const store = async (count: number): Promise<string[]> => {
    const messages = Array.from(
      { length: count },
      () =>
        ({
          envelope: { id: v7(), workspaceId, data: {} },
          queues,
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
});
