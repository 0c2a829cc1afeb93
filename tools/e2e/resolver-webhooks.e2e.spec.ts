import { eventually } from './eventually';
import { expectStatus, type HttpClient, type Json } from './http-client';
import { createUser } from './organisation';
import { json, RecordingServer, verified } from './recording-server';
import { decide, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

jest.setTimeout(180_000);

let system: TestSystem;
let client: HttpClient;
let host: RecordingServer;
let secret = '';

beforeAll(async () => {
  host = await RecordingServer.start();
  system = await startTestSystem();
  client = system.admin;
  for (const name of ['alice', 'bob', 'carol']) await createUser(client, { userName: `${name}@example.com` });
  secret = expectStatus(await client.post<{ secret: string }>('/v1/resolver-secret/rotate', {}), 200).secret;
});

afterAll(async () => {
  await system?.stop();
  await host?.stop();
});

/** A workflow whose only stage asks this webhook. */
const publishAsking = (key: string, format = 'countersign') =>
  publish(
    client,
    workflowOf(
      key,
      `  - key: owner\n    approvers: [ { webhook: { url: "${host.url(`/${key}`)}", format: ${format}, timeout: PT10S } } ]\n`,
    ),
  );

it('is left alone while its host is down, and names everybody that waited when it is back', async () => {
  await publishAsking('down', 'easylife');
  let isDown = true;
  host.behave('/down', (_, nth) => {
    if (!isDown) return json(['bob@example.com']);
    return nth <= 11 ? { status: 503 } : { hang: true };
  });
  // One after the other, so that no call is under way when the tenth fails.
  for (let n = 0; n < 2; n++) {
    const { id } = await submit(client, { workflow: 'down' });
    await untilState(client, id, 'failed');
  }
  const waiting = [await submit(client, { workflow: 'down' })];
  await host.untilCalls('/down', 10);
  waiting.push(...(await Promise.all(Array.from({ length: 6 }, () => submit(client, { workflow: 'down' })))));
  await host.untilCalls('/down', 12);
  await eventually(
    'one probes and all others wait',
    async () => {
      const [row] = await system.sql<{ is: boolean }>(
        `SELECT count(*) FILTER (WHERE state = 'calling') = 1
            AND count(*) FILTER (WHERE state = 'waiting' AND evidence::text LIKE '%circuit_open%') = 6 AS is
           FROM approver_resolution.resolver_call`,
      );
      return row?.is;
    },
    { withinMs: 60_000 },
  );
  // Ten failures, and since then probes alone, one at a time: the first fails, the others are never answered.
  const calls = host.to('/down').length;
  expect(calls).toBeLessThanOrEqual(13);

  isDown = false;
  // A probe that is never answered, as its process dies; the next process finds out for itself.
  const { pid } = system.service('approver-resolution');
  if (pid) process.kill(pid, 'SIGKILL');
  await eventually(
    'all are answered',
    async () => (await system.sql('SELECT 1 FROM approver_resolution.resolver_call')).length === 0,
    { withinMs: 60_000 },
  );
  for (const { id } of waiting) {
    const [task] = await untilTasks(client, id);
    expect(task?.assignee.userName).toBe('bob@example.com');
    if (task) expectStatus(await decide(client, task, 'approve'), 200);
    await untilState(client, id, 'completed');
  }
  expect(host.to('/down')).toHaveLength(calls + waiting.length);
});

it('is not asked again while its answer holds', async () => {
  const { version } = await publishAsking('kept');
  host.behave('/kept', () => json({ approvers: ['bob@example.com'], ttl: 'PT1H' }));
  const submission = {
    workflow: 'kept',
    payload: { amount: 5 },
    externalRef: 'PO-17',
    metadata: { plant: 'Ulm' },
  };
  const assigneeOf = async (id: string) => (await untilTasks(client, id))[0]?.assignee.userName;

  const first = await submit(client, submission);
  expect(await assigneeOf(first.id)).toBe('bob@example.com');
  const [call] = host.to('/kept');
  if (!call) throw new Error('no call');
  expect(verified<Json>(call, secret)).toEqual({
    request: {
      id: first.id,
      workflow: { key: 'kept', version },
      title: '30 laptops',
      reason: null,
      requester: expect.objectContaining({ userName: 'alice@example.com' }),
      externalRef: 'PO-17',
      metadata: { plant: 'Ulm' },
      payload: { amount: 5 },
    },
    stage: { key: 'owner', index: 0, total: 1 },
    resolutionId: expect.any(String),
  });

  // Another request that asks the same, and another round of the first one.
  const second = await submit(client, submission);
  expect(await assigneeOf(second.id)).toBe('bob@example.com');
  const [task] = await untilTasks(client, first.id);
  if (task) expectStatus(await decide(client, task, 'return', { comment: 'Once more' }), 200);
  await untilState(client, first.id, 'returned');
  expectStatus(await client.post(`/v1/requests/${first.id}/submit`, {}), 200);
  expect(await assigneeOf(first.id)).toBe('bob@example.com');
  expect(host.to('/kept')).toHaveLength(1);

  // Another question.
  const other = await submit(client, { ...submission, payload: { amount: 6 } });
  expect(await assigneeOf(other.id)).toBe('bob@example.com');
  expect(host.to('/kept')).toHaveLength(2);
});
