import type { TaskView } from '@countersign/contracts';
import { eventually } from './eventually';
import { expectStatus, type HttpClient } from './http-client';
import { createUser } from './organisation';
import { openTasks, read, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

jest.setTimeout(120_000);

let system: TestSystem;
let client: HttpClient;
const ids: Record<string, string> = {};

const mailOf = (name: string) => `${name}@example.com`;
const holders = (tasks: readonly TaskView[]) =>
  tasks.map(({ assignee, onBehalfOf }) => [assignee.userName, onBehalfOf?.userName ?? null]);
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();

const delegate = async (from: string, to: string, more: Record<string, unknown> = {}): Promise<string> => {
  const body = {
    from: mailOf(from),
    to: mailOf(to),
    startsAt: fromNow(-60_000),
    endsAt: fromNow(86_400_000),
    ...more,
  };
  return expectStatus(await client.post<{ id: string }>('/v1/delegations', body), 201).id;
};
const untilHeld = (requestId: string, ...expected: (string | null)[][]) =>
  eventually(`request ${requestId} is held by ${JSON.stringify(expected)}`, async () => {
    const held = holders(openTasks(await read(client, requestId)));
    return JSON.stringify(held) === JSON.stringify(expected) ? held : null;
  });
const tasksOf = async (name: string) =>
  expectStatus(
    await client.get<{ data: TaskView[] }>(
      `/v1/tasks?state=open&assignee=${encodeURIComponent(mailOf(name))}`,
    ),
    200,
  ).data.map(({ id }) => id);

beforeAll(async () => {
  system = await startTestSystem();
  client = system.admin;
  for (const name of ['alice', 'bob', 'carol', 'dave', 'erin', 'rita']) {
    const manager = name === 'rita' ? ids.alice : undefined;
    ids[name] = (await createUser(client, { userName: mailOf(name), ...(manager ? { manager } : {}) })).id;
  }
  const stages = `  - key: first\n    approvers: [ { user: alice@example.com } ]\n`;
  await publish(client, workflowOf('plain', stages));
  await publish(client, workflowOf('managed', '  - key: first\n    approvers: [ { manager: {} } ]\n'));
});

afterAll(() => system?.stop());

describe('standing in', () => {
  const start = async (workflow = 'plain') =>
    (await submit(client, { workflow, requester: mailOf('rita') })).id;

  it('moves open tasks when it begins and ends; both see the task, either may decide, and the delegator is told', async () => {
    const [first, second] = [await start(), await start()];
    await untilTasks(client, first);
    await untilTasks(client, second);
    const delegation = await delegate('alice', 'bob', { startsAt: fromNow(1_000) });
    await untilHeld(first, [mailOf('bob'), mailOf('alice')]);
    await untilHeld(second, [mailOf('bob'), mailOf('alice')]);
    const [task] = openTasks(await read(client, first));
    expect(await tasksOf('alice')).toContain(task?.id);
    expect(await tasksOf('bob')).toContain(task?.id);
    const decision = { decision: 'approve', comment: 'While she is away' };
    expectStatus(await client.as(mailOf('bob')).post(`/v1/tasks/${task?.id}/decision`, decision), 200);
    await untilState(client, first, 'completed');
    await eventually('Alice is told', async () => {
      const mails = JSON.stringify((await client.get('/dev/mail.json?limit=200')).body);
      return mails.includes('Decided on your behalf') && mails.includes('While she is away') ? true : null;
    });

    expect((await client.delete(`/v1/delegations/${delegation}`)).status).toBe(204);
    await untilHeld(second, [mailOf('alice'), null]);
    const third = await start();
    await delegate('alice', 'carol');
    await untilHeld(third, [mailOf('carol'), mailOf('alice')]);
    const [other] = openTasks(await read(client, third));
    expectStatus(
      await client.as(mailOf('alice')).post(`/v1/tasks/${other?.id}/decision`, { decision: 'reject' }),
      200,
    );
    expect((await untilState(client, third, 'rejected')).stages[0]?.tasks.at(-1)).toMatchObject({
      assignee: { userName: mailOf('carol') },
      decidedBy: { userName: mailOf('alice') },
    });
  });

  it('is what simulations and previews show too, and never leads to the requester', async () => {
    const simulated = await client.post<{ stages: { approvers: { userName: string; why: string }[] }[] }>(
      '/v1/workflows/plain/simulate',
      { payload: {}, requester: mailOf('rita') },
    );
    expect(expectStatus(simulated, 200).stages[0]?.approvers).toEqual([
      {
        id: ids.carol,
        userName: mailOf('carol'),
        why: expect.stringMatching(/^Named in the workflow, stands in for alice until /) as string,
      },
    ]);
    await delegate('carol', 'rita');
    const asked = { approvers: [{ manager: {} }], requester: mailOf('rita'), payload: {} };
    const preview = await client.post<{ approvers: { userName: string }[] }>('/v1/approvers/preview', asked);
    expect(expectStatus(preview, 200).approvers.map(({ userName }) => userName)).toEqual([mailOf('carol')]);
    const again = await client.post<{ stages: { approvers: { userName: string }[] }[] }>(
      '/v1/workflows/managed/simulate',
      { payload: {}, requester: mailOf('rita') },
    );
    expect(expectStatus(again, 200).stages[0]?.approvers.map(({ userName }) => userName)).toEqual([
      mailOf('carol'),
    ]);
    const requestId = await start('managed');
    await untilHeld(requestId, [mailOf('carol'), mailOf('alice')]);
  });

  it('reaches a task that is passed on, and ends with a delegate who is replaced', async () => {
    for (const name of ['hugo', 'ines', 'jan', 'kim']) await createUser(client, { userName: mailOf(name) });
    await publish(
      client,
      workflowOf('passed', '  - key: first\n    approvers: [ { user: hugo@example.com } ]\n'),
    );
    const requestId = await start('passed');
    await untilHeld(requestId, [mailOf('hugo'), null]);
    await delegate('ines', 'jan');
    const [task] = openTasks(await read(client, requestId));
    const passed = await client
      .as(mailOf('hugo'))
      .post(`/v1/tasks/${task?.id}/reassign`, { to: mailOf('ines') });
    expect(passed.status).toBe(200);
    await untilHeld(requestId, [mailOf('jan'), mailOf('ines')]);
    const body = { from: mailOf('jan'), to: mailOf('kim') };
    const tasks = [{ requestId, to: { userName: mailOf('ines') }, obstacle: null }];
    const preview = await client.post('/v1/directory/replace', { ...body, dryRun: true });
    expect(expectStatus(preview, 200)).toMatchObject({ tasks });
    expect(
      expectStatus(await client.post('/v1/directory/replace', { ...body, dryRun: false }), 200),
    ).toMatchObject({ tasks });
    await untilHeld(requestId, [mailOf('ines'), null]);
  });

  it('ends for good when somebody takes the place of an approver who leaves', async () => {
    await publish(
      client,
      workflowOf('named', '  - key: first\n    approvers: [ { user: dave@example.com } ] # the boss\n'),
    );
    const requestId = await start('named');
    await untilHeld(requestId, [mailOf('dave'), null]);
    const body = { from: mailOf('dave'), to: mailOf('erin') };
    const preview = await client.post<{ tasks: unknown[]; workflows: { key: string }[] }>(
      '/v1/directory/replace',
      { ...body, dryRun: true },
    );
    expect(expectStatus(preview, 200)).toMatchObject({
      tasks: [{ requestId }],
      workflows: [{ key: 'named' }],
    });
    await untilHeld(requestId, [mailOf('dave'), null]);
    expectStatus(await client.post('/v1/directory/replace', { ...body, dryRun: false }), 200);
    await untilHeld(requestId, [mailOf('erin'), null]);
    const draft = await client.get<{ text: string }>('/v1/workflows/named/versions/2');
    expect(expectStatus(draft, 200).text).toContain('[ { user: erin@example.com } ] # the boss');
  });
});
