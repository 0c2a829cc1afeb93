import { Database, roleOf, urlAs } from '@countersign/persistence';
import { secretKey, until } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createRouting, type Routing } from '../../test/create-routing';

describe('requests that are due', () => {
  let routing: Routing;
  beforeAll(async () => (routing = await createRouting()));
  afterAll(() => routing.stop());

  /** A row of which nothing can be made: a tick of it stays unsettled. */
  const insert = async (dueInMs: number | null, count = 1): Promise<string[]> => {
    const ids = Array.from({ length: count }, () => v7());
    await routing.sql(
      `INSERT INTO request (id, workspace_id, version, payload_revision, due_at, aggregate)
       SELECT id, $2, 1, 1, now() + $3 * interval '1 ms', '{}' FROM unnest($1::uuid[]) AS id`,
      [ids, routing.workspaceId, dueInMs],
    );
    return ids;
  };

  const ticksOf = async (ids: readonly string[]): Promise<string[]> =>
    (await routing.sent('request.tick.v1'))
      .map(({ data }) => data.requestId)
      .filter((id) => ids.includes(id));

  const dueInS = async (id: string): Promise<number> => {
    const [row] = await routing.sql<{ seconds: number }>(
      'SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM request WHERE id = $1',
      [id],
    );
    return row?.seconds ?? NaN;
  };

  it('are told once each, however many there are, and left alone for a minute', async () => {
    const due = await insert(-1_000, 250);
    const [later, never] = [...(await insert(3_600_000)), ...(await insert(null))];
    await until(async () => (await ticksOf(due)).length >= 250);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await ticksOf(due)).sort()).toEqual([...due].sort());
    expect(await ticksOf([later ?? '', never ?? ''])).toEqual([]);
    expect(await dueInS(due[0] ?? '')).toBeGreaterThan(50);
    expect(await dueInS(due[0] ?? '')).toBeLessThan(60);
  });

  it('are told again when the minute has passed and nothing was written', async () => {
    const due = await insert(-1_000);
    await until(async () => (await ticksOf(due)).length === 1);
    routing.pass(61_000);
    await until(async () => (await ticksOf(due)).length === 2);
  });

  it('are all that the sweeper may see of a request', async () => {
    const sweeper = await Database.connect({
      url: urlAs(routing.ownerUrl, secretKey, roleOf('routing', 'relay')),
      schema: 'routing',
      poolSize: 1,
      applicationName: 'test',
    });
    try {
      const ask = (text: string) => sweeper.everywhere((sql) => sql.query(text));
      await expect(ask('SELECT id, workspace_id, due_at FROM request')).resolves.not.toEqual([]);
      await expect(ask('SELECT aggregate FROM request')).rejects.toThrow(/permission denied/);
      await expect(ask('UPDATE request SET version = 9')).rejects.toThrow(/permission denied/);
      await expect(ask('SELECT FROM asked_person')).rejects.toThrow(/permission denied/);
    } finally {
      await sweeper.close();
    }
  });
});
