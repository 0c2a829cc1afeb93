import { madeAt, type JobType, type QueueName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';
import { v7 } from 'uuid';
import { ScratchDatabase } from '../test/scratch-database';
import { NameOutboxTypes1763720000000 } from './messaging.tables';
import { outboxBacklog } from './outbox-backlog';
import { outboxStatement, PostgresOutbox, type WrittenMessage } from './outbox.store';

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
    data: object = {},
  ): Promise<string[]> => {
    const messages = Array.from({ length: count }, () => {
      const envelope = { id: v7(), type, workspaceId, data };
      const json = JSON.stringify(envelope);
      return { envelope, json, bytes: Buffer.byteLength(json), queues: to } as unknown as WrittenMessage;
    });
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

  it('claims what is due until it has the size that is wanted, at least one, and leaves the rest due', async () => {
    const text = 'ä'.repeat(50_000);
    await store(5, 'command.settled.v1', ['intake'], { text });
    await outbox.makeAllDue();
    const claim = async (limit: number, mostBytes: number) =>
      (await outbox.claimDue(limit, mostBytes)).map(({ envelope, bytes }) => {
        expect(bytes).toBe(Buffer.byteLength(JSON.stringify(envelope)));
        return envelope.id;
      });
    expect(await claim(10, 1)).toHaveLength(1);
    expect(await claim(10, 150_000)).toHaveLength(2);
    expect(await claim(1, 1_000_000)).toHaveLength(1);
    expect(await claim(10, 1_000_000)).toHaveLength(1);
    expect(await claim(10, 1_000_000)).toEqual([]);
  });

  it('collects what no destination is left of, once it is older than a minute', async () => {
    const [kept] = await store(1);
    const envelopeLeft = async (msecs: number) => {
      const id = v7({ msecs });
      await database.owner.query(
        `INSERT INTO routing.outbox_message (id, workspace_id, envelope) VALUES ('${id}', '${workspaceId}', '{}')`,
      );
      return id;
    };
    await envelopeLeft(Date.now() - 90_000);
    const young = await envelopeLeft(Date.now());
    await database.owner.query(
      `UPDATE routing.outbox_destination SET message_id = '${await envelopeLeft(Date.now() - 90_000)}' WHERE queue = 'audit'`,
    );
    await outbox.collectOrphans();
    const { rows } = await database.owner.query<{ id: string }>('SELECT id FROM routing.outbox_message');
    expect(rows).toHaveLength(3);
    expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining([kept, young]));
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
