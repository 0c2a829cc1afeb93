import { roleOf } from '@countersign/persistence';
import { pagesRead } from '@countersign/service-kit/test';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { createIntake, type Intake } from '../../test/create-intake';
import { listTasks, type TaskFilter } from './task.rows';

const many = 20_000;
const bob = v7();
const alice = v7();
let intake: Intake;
let owner: Client;

beforeAll(async () => {
  intake = await createIntake();
  owner = new Client({ connectionString: intake.ownerUrl, options: '-c search_path=intake' });
  await owner.connect();
  await owner.query(
    `INSERT INTO request (id, workspace_id, version, payload_revision, state, workflow_key, requester_id, created_at, snapshot)
     SELECT uuidv7(), $1, 1, 1, 'completed', 'common', $2, now(), '{}' FROM generate_series(1, 100)`,
    [intake.workspaceId, bob],
  );
  // What is rarely asked for is the oldest.
  await owner.query(
    `INSERT INTO task (id, workspace_id, request_id, request_version, workflow_key, assignee_id, state, task)
     SELECT uuidv7(make_interval(secs => n - ${many})), $1, (SELECT id FROM request LIMIT 1), 1,
            CASE WHEN n < 10 THEN 'rare' ELSE 'common' END, CASE WHEN n < 10 THEN $2 ELSE gen_random_uuid() END, CASE WHEN n < 10 THEN 'open' ELSE 'approved' END, '{}'
       FROM generate_series(1, ${many}) n`,
    [intake.workspaceId, bob],
  );
  // Held by others on behalf of Alice.
  await owner.query(
    `UPDATE task SET on_behalf_of_id = $1 WHERE id IN (SELECT id FROM task WHERE state = 'approved' ORDER BY id LIMIT 5)`,
    [alice],
  );
  await owner.query('ANALYZE');
}, 60_000);
afterAll(async () => {
  await owner.end();
  await intake.stop();
});

describe('a list of tasks', () => {
  const reads = async (filter: Partial<TaskFilter>): Promise<number> => {
    let asked: [string, unknown[]] | undefined;
    const sql = {
      query: (text: string, values: unknown[] = []) => {
        asked = [text, values];
        return Promise.resolve([]);
      },
    };
    await listTasks(sql as never, intake.workspaceId, { allowed: null, ...filter }, null, 50);
    if (!asked) throw new Error('nothing was asked');
    const role = roleOf('intake', 'app');
    return pagesRead(owner, { role, workspaceId: intake.workspaceId }, ...asked);
  };

  it.each([
    ['of all', {}],
    ['that are open', { state: 'open' }],
    ['of one workflow', { workflow: 'rare' }],
    ['of the workflows that a key may see', { allowed: ['rare', 'rarer'] }],
    ['that somebody has to decide', { state: 'open', assigneeId: bob }],
    ['that are for somebody under a delegation', { assigneeId: alice }],
    ['that are open and due', { state: 'open', dueBefore: '2030-01-01T00:00:00.000Z' }],
  ])('%s looks at little more than its page, whatever the history', async (_, filter) => {
    expect(await reads(filter)).toBeLessThan(150);
  });

  it('of a person has what others hold for them, page by page', async () => {
    const ids: string[] = [];
    for (let before: string | null = null; ;) {
      const rows = await listTasks(
        { query: async (text, values) => (await owner.query(text, values as unknown[])).rows as never },
        intake.workspaceId,
        { allowed: null, assigneeId: alice },
        before,
        2,
      );
      ids.push(...rows.slice(0, 2).map(({ id }) => id));
      if (rows.length <= 2) break;
      before = ids.at(-1) ?? null;
    }
    expect(ids).toHaveLength(5);
    expect(ids).toEqual([...new Set(ids)].sort().reverse());
  });
});
