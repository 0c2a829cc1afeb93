import { consumers, type RequestView } from '@countersign/contracts';
import { eventually, pause } from './eventually';
import { expectStatus, type HttpClient, type Json, type Page } from './http-client';
import { createOrganisation } from './organisation';
import { RecordingServer } from './recording-server';
import { decide, order, read, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type ServiceName, type TestSystem } from './test-system';
import { publish, purchaseOrder } from './workflows';

jest.setTimeout(90_000);

const all: ServiceName[] = ['gateway', ...consumers];

let system: TestSystem;
let client: HttpClient;
let subscribers: RecordingServer;

beforeAll(async () => {
  subscribers = await RecordingServer.start();
  system = await startTestSystem();
  client = system.admin;
  await createOrganisation(client);
  await publish(client, purchaseOrder);
  const endpoint = { url: subscribers.url('/events'), events: ['request.completed'], format: 'standard' };
  expectStatus(await client.post('/v1/webhook-endpoints', endpoint), 201);
});

afterAll(async () => {
  await system?.stop();
  await subscribers?.stop();
});

const stop = (names: readonly ServiceName[]) => Promise.all(names.map((name) => system.service(name).stop()));

const submitted = () => submit(client, { workflow: 'purchase-order', payload: order(10) });

const toldOf = (id: string) =>
  eventually('the subscriber is told', () => subscribers.to('/events').some(({ text }) => text.includes(id)));

/** Takes a request all the way, so that every service has to do its part. */
const wholeJob = async (request?: RequestView) => {
  const { id } = request ?? (await submitted());
  const [task] = await untilTasks(client, id);
  if (!task) throw new Error('no task');
  expect(expectStatus(await decide(client, task, 'approve'), 200).state).toBe('completed');
  await toldOf(id);
  await eventually('the log has it', async () => {
    const { body } = await client.get<Page>(`/v1/audit/entries?requestId=${id}&type=request.completed`);
    return body.data.length === 1;
  });
};

const orders: ServiceName[][] = [
  all,
  [...all].reverse(),
  ['audit', 'intake', 'gateway', 'notification', 'approver-resolution', 'routing'],
];

it.each(orders)(
  'starts one after the other, %s first, then %s, then the rest, and goes on with what was pending',
  async (...names) => {
    const pending = await submitted();
    await untilTasks(client, pending.id);
    await stop(all);
    for (const name of names) {
      await system.service(name).start({ wait: false });
      await pause(300);
    }
    await Promise.all(names.map((name) => system.service(name).untilReady()));
    await wholeJob(await read(client, pending.id));
    await wholeJob();
  },
);

it.each(consumers)('works again after %s alone was stopped and started', async (name) => {
  await system.service(name).stop();
  await system.service(name).start();
  await system.service('gateway').untilReady();
  await wholeJob();
});

it('each service starts, is ready and stops in time while Redis is away', async () => {
  await system.redis?.kill();
  await stop(consumers);
  await Promise.all(consumers.map((name) => system.service(name).start()));
  const startedAt = Date.now();
  await stop(consumers);
  expect(Date.now() - startedAt).toBeLessThan(8_000);
  await system.redis?.start();
  await Promise.all(consumers.map((name) => system.service(name).start()));
  await wholeJob();
});

it('finishes requests that were taken while routing was down, once it is back', async () => {
  await system.service('routing').stop();
  const requests = await Promise.all(Array.from({ length: 10 }, submitted));
  for (const { id } of requests) expect((await read(client, id)).state).toBe('submitted');
  await system.service('routing').start();
  for (const request of requests) await wholeJob(request);
});

it('answers a decision with 202 while routing is down, and carries it out once, when it is back', async () => {
  const { id } = await submitted();
  const [task] = await untilTasks(client, id);
  if (!task) throw new Error('no task');
  await system.service('routing').stop();
  const accepted = await client
    .as('bob@example.com')
    .post<Json>(`/v1/tasks/${task.id}/decision`, { decision: 'approve' }, { idempotencyKey: 'while down' });
  expect(accepted.status).toBe(202);
  const command = accepted.headers.location ?? '';
  expect(command).toMatch(/^\/v1\/commands\/[0-9a-f-]{36}$/);
  expect((await client.get<Json>(command)).body).toMatchObject({ state: 'pending' });
  await system.service('routing').start();
  const done = await eventually('the command is done', async () => {
    const { body } = await client.get<Json>(command);
    return body.state === 'pending' ? null : body;
  });
  expect(done).toMatchObject({ state: 'done', request: { id, state: 'completed' } });
  expect((await untilState(client, id, 'completed')).stages[0]?.quorum.received).toBe(1);
});

it('takes requests while Redis and every service but intake and the gateway are down, and finishes them later', async () => {
  const others = consumers.filter((name) => name !== 'intake');
  await system.redis?.kill();
  await stop(others);
  const requests: RequestView[] = [];
  for (let n = 0; n < 10; n++) {
    const request = await submitted();
    expect(await read(client, request.id)).toEqual(request);
    requests.push(request);
  }
  await system.redis?.start();
  await Promise.all(others.map((name) => system.service(name).start()));
  for (const request of requests) await wholeJob(request);
});

it('says with 503 what is not there, and is itself again when it is back', async () => {
  await system.service('audit').stop();
  expect(await client.get('/v1/audit/entries')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  const ready = async () => (await client.get('/readyz', { key: null })).status;
  await eventually('it is not ready', async () => (await ready()) === 503);
  expect((await client.get('/v1/whoami')).status).toBe(200);
  await system.service('audit').start();
  await eventually('everything is ready', async () => (await ready()) === 200);
  expect((await client.get('/v1/audit/entries')).status).toBe(200);
});

it('never takes a key for invalid because a service came to its call late', async () => {
  const intake = system.service('intake');
  intake.suspend();
  const calls = Array.from({ length: 5 }, () => client.get('/v1/requests?limit=1'));
  // Longer than the identity that the gateway signs is good for.
  await pause(8_000);
  intake.resume();
  for (const { status } of await Promise.all(calls)) expect([200, 503]).toContain(status);
  await wholeJob();
});
