import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { RequestView } from '@countersign/contracts';
import { readSuites } from '../workflow-tests/read-suites.mjs';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type Json, type Page } from './http-client';
import { decide, openTasks, read, submit, untilTasks } from './requests';
import { json, RecordingServer } from './recording-server';
import { startTestSystem, type TestSystem } from './test-system';
import { publish } from './workflows';

jest.setTimeout(120_000);

const root = path.resolve(__dirname, '..', '..');
const examples = path.join(root, 'examples', 'workflows');
const organisation = path.join(examples, 'organisation.yaml');
const suites = readSuites([examples]);

let system: TestSystem;
let key: string;
let client: HttpClient;
let resolver: RecordingServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-examples-'));
  resolver = await RecordingServer.start();
  system = await startTestSystem();
  const sandbox = { name: 'Examples', kind: 'sandbox' };
  key = expectStatus(await system.admin.post<{ adminKey: string }>('/v1/workspaces', sandbox), 201).adminKey;
  client = system.caller(key);
});

afterAll(async () => {
  await system?.stop();
  await resolver?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  code: number | null;
  lines: string[];
  complaint: string;
}

/** The runner as customers run it. */
function workflowTests(args: string[], apiKey: string | null = key): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['tools/workflow-tests/run.mjs', ...args, '--url', system.url], {
      cwd: root,
      env: { PATH: process.env.PATH, COUNTERSIGN_API_KEY: apiKey ?? '' },
      timeout: 100_000,
    });
    let [out, complaint] = ['', ''];
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (complaint += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, lines: out.trimEnd().split('\n'), complaint }));
  });
}

/** An example in a folder of its own, with one part of a file replaced. */
function changed(name: string, file: string, from: string, to: string): string {
  const copy = path.join(mkdtempSync(path.join(folder, `${name}-`)), name);
  cpSync(path.join(examples, name), copy, { recursive: true });
  const text = readFileSync(path.join(copy, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} of ${name} has no ${from}`);
  writeFileSync(path.join(copy, file), text.replace(from, to));
  return copy;
}

describe('the tests of the example workflows', () => {
  it('pass, and a second run changes nobody and adds no version', async () => {
    const cases = suites.reduce((sum, suite) => sum + suite.cases.length, 0);
    expect(cases).toBeGreaterThan(30);
    const first = await workflowTests([examples, '--organisation', organisation]);
    expect(first).toMatchObject({ code: 0, complaint: '' });
    expect(first.lines.at(-1)).toBe(`${cases} passed, 0 failed`);
    const again = await workflowTests([examples, '--organisation', organisation]);
    expect(again).toMatchObject({ code: 0, complaint: '' });
    expect(again.lines[0]).toMatch(/^people: 0 of \d+ created or changed, and 0 groups$/);
    expect(again.lines.join('\n')).not.toContain('a new draft');
    for (const suite of suites) {
      const versions = await client.get<Page>(`/v1/workflows/${suite.key}/versions`);
      expect(versions.body.data.map(({ version, state }) => [version, state])).toEqual([[1, 'draft']]);
    }
  });

  it('take people who stand in for each other, whatever their order', async () => {
    const away = path.join(mkdtempSync(path.join(folder, 'away-')), 'organisation.yaml');
    const until = (month: number) => ({ from: '2026-01-01T00:00:00Z', to: `2026-0${month}-01T00:00:00Z` });
    const write = (month: number) =>
      writeFileSync(
        away,
        JSON.stringify({
          people: [
            { userName: 'ria@away.test', outOfOffice: { ...until(month), delegate: 'max@away.test' } },
            {
              userName: 'max@away.test',
              manager: 'ria@away.test',
              outOfOffice: { ...until(2), delegate: 'ria@away.test' },
            },
          ],
        }),
      );
    const peopleOf = async () => {
      const run = await workflowTests([path.join(examples, 'guest-access'), '--organisation', away]);
      expect(run).toMatchObject({ code: 0, complaint: '' });
      return run.lines[0];
    };
    write(2);
    expect(await peopleOf()).toBe('people: 2 of 2 created or changed, and 0 groups');
    expect(await peopleOf()).toBe('people: 0 of 2 created or changed, and 0 groups');
    write(3);
    expect(await peopleOf()).toBe('people: 1 of 2 created or changed, and 0 groups');
  });

  it('fail where something else is expected, and say what', async () => {
    const wrong = changed('access-request', 'tests.yaml', 'state: completed', 'state: rejected');
    const run = await workflowTests([wrong]);
    expect(run.code).toBe(1);
    expect(run.lines).toEqual(
      expect.arrayContaining([
        '  FAILED  reading takes the line manager and an owner; who has left is not asked',
        '            state: expected rejected, got completed',
      ]),
    );
    expect(run.lines.at(-1)).toMatch(/^6 passed, 1 failed$/);
  });

  it('fail for a decision that nobody could make', async () => {
    const wrong = changed('access-request', 'tests.yaml', 'by: mona@example.com', 'by: carol@example.com');
    const run = await workflowTests([wrong]);
    expect(run.code).toBe(1);
    expect(run.lines.join('\n')).toMatch(
      /refused: .*\n.*\/decisions\/1: carol@example\.com has no open task/,
    );
  });

  it('fail all when the workflow is refused, and say where it is wrong', async () => {
    const wrong = changed('access-request', 'workflow.yaml', 'payload.level ==', 'payload.levle ==');
    const run = await workflowTests([wrong]);
    expect(run.code).toBe(1);
    expect(run.lines.join('\n')).toMatch(/\/stages\/2\/when: payload\.levle does not exist/);
    expect(run.lines.at(-1)).toBe('0 passed, 7 failed');
  });

  it('are not run when they are wrongly asked for', async () => {
    const live = await workflowTests([examples, '--organisation', organisation], system.adminKey);
    expect(live).toMatchObject({ code: 2, lines: [''] });
    expect(live.complaint).toContain('the workspace default is live');
    const stranger = await workflowTests([examples], 'cs_live_nobody');
    expect(stranger).toMatchObject({ code: 2, lines: [''] });
    const typo = changed('guest-access', 'tests.yaml', 'expect:', 'expects:');
    const { code, complaint } = await workflowTests([typo]);
    expect(code).toBe(2);
    expect(complaint).toMatch(
      /tests\.yaml, case “the sponsors of a partner's guest .*”, expects: is not known here/,
    );
  });
});

interface Outcome {
  state: string;
  stages: { key: string; state: string; explanation: string; approvers: { userName: string }[] }[];
}

interface Seen {
  state: string;
  people: string[];
}

const asked = ['active', 'approved', 'rejected', 'returned'];

/** Each stage with whom it asks: nobody is asked in one that has not begun or was given up. */
function seen(stages: Record<string, Seen>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(stages).map(([stage, { state, people }]) => [
      stage,
      asked.includes(state) ? `${state}: ${[...new Set(people)].sort().join()}` : state,
    ]),
  );
}

const realStages = ({ stages }: RequestView): Record<string, Seen> =>
  Object.fromEntries(
    stages.map(({ key: stage, state, tasks }) => [
      stage,
      { state, people: tasks.map(({ assignee }) => assignee.userName) },
    ]),
  );

/** The service that names sponsors answers with Bob's Entra object id, as in the tests of guest access. */
const bobsId = '5f1c6f7e-2d0b-4a53-9d0c-0000000000b0';

describe('a real request', () => {
  beforeAll(async () => {
    resolver.behave('/guest-access', () => json([bobsId]));
    for (const { text } of suites)
      await publish(client, text.replace('https://approvers.example.com', resolver.origin));
  });

  const cases = suites.flatMap((suite) => suite.cases.map((one) => ({ workflow: suite.key, ...one })));

  it.each(cases)(
    'of $workflow goes as the simulation said: $name',
    async ({ workflow, requester, payload, decisions = [] }) => {
      const outcome = expectStatus(
        await client.post<Outcome>(`/v1/workflows/${workflow}/simulate`, { requester, payload, decisions }),
        200,
      );
      const expected = Object.fromEntries(
        outcome.stages.map((stage) => {
          const people = stage.approvers.map(({ userName }) => userName);
          // Whom a webhook names, a simulation only knows when it is told who decides.
          const isUnknown = people.length === 0 && stage.explanation.includes(resolver.origin);
          return [stage.key, { state: stage.state, people: isUnknown ? ['bob@example.com'] : people }];
        }),
      );
      const { id } = await submit(client, { workflow, requester, payload });
      for (const { stage, by, decision } of decisions) {
        const task = await eventually(`a task of ${by} in ${stage}`, async () =>
          openTasks(await read(client, id)).find(
            ({ stageKey, assignee }) => stageKey === stage && assignee.userName === by,
          ),
        );
        expectStatus(await decide(client, task, decision, { comment: 'As tested' }), 200);
      }
      const until = async (what: string, state: string, stages: Record<string, string>) => {
        let last: unknown;
        return eventually(
          what,
          async () => {
            const request = await read(client, id);
            const found = seen(realStages(request));
            last = [
              request.state,
              Object.fromEntries(Object.keys(stages).map((stage) => [stage, found[stage]])),
            ];
            return isDeepStrictEqual(last, [state, stages]) ? request : null;
          },
          {
            withinMs: 10_000,
            describe: () => `${JSON.stringify(last)}, not ${JSON.stringify([state, stages])}`,
          },
        );
      };
      const isOpen = outcome.state === 'pending_review';
      // A stage that the simulation skips may be one that is not reached yet.
      const now = Object.entries(expected).filter(([, { state }]) => !isOpen || state !== 'skipped');
      let request = await until('what the simulation said', outcome.state, seen(Object.fromEntries(now)));
      if (!isOpen) return;

      // And on, as the simulation went: everybody who is asked approves.
      while (request.state === 'pending_review') {
        const open = openTasks(request);
        for (const task of open) {
          const answer = await decide(client, task, 'approve', { comment: 'As assumed' });
          if (answer.status !== 409) expectStatus(answer, 200);
        }
        request = await read(client, id);
      }
      const fails = outcome.stages.find(({ explanation }) => explanation.includes('Fails: '));
      expect(request.state).toBe(fails ? 'failed' : 'completed');
      for (const { key: stage, state, explanation } of outcome.stages) {
        const end = request.stages.find((one) => one.key === stage);
        const people = [...new Set(realStages(request)[stage]?.people ?? [])].sort();
        expect([stage, people]).toEqual([stage, [...(expected[stage]?.people ?? [])].sort()]);
        expect(end?.state).toBe(
          state === 'skipped' ? 'skipped' : fails?.key === stage ? 'failed' : 'approved',
        );
        if (state === 'skipped' || fails?.key === stage) expect(explanation).toContain(end?.explanation);
      }
    },
  );

  it('of guest access asks the service with the whole payload', async () => {
    const payload = { guestRequest: { userRequest: { mail: 'kim@fabrikam.example', templateId: 't1' } } };
    const before = resolver.to('/guest-access').length;
    const { id } = await submit(client, { workflow: 'guest-access', title: 'Kim', payload });
    const [task] = await untilTasks(client, id);
    expect(task?.assignee.userName).toBe('bob@example.com');
    const call = resolver.to('/guest-access')[before];
    expect(JSON.parse(call?.text ?? '')).toMatchObject({
      ...payload,
      title: 'Kim',
      requestorId: '5f1c6f7e-2d0b-4a53-9d0c-0000000000a1',
      stage: 0,
      totalStages: 2,
    });
  });

  it("of guest access goes to the requester's manager when the service is down", async () => {
    resolver.behave('/guest-access', () => ({ status: 503 }));
    const payload = { guestRequest: { userRequest: { mail: 'kim@contoso.example' } } };
    const { id } = await submit(client, {
      workflow: 'guest-access',
      requester: 'bob@example.com',
      payload,
    });
    const [task] = await untilTasks(client, id);
    expect(task?.assignee.userName).toBe('grace@example.com');
  });

  it('of privileged access is not granted by one person twice', async () => {
    const payload = {
      system: 'ERP',
      ownerGroup: 'erp-owners',
      level: 'admin',
      justification: 'Migration weekend',
    };
    const { id } = await submit(client, { workflow: 'access-request', payload });
    const approve = async (by: string) => {
      const task = await eventually(`a task of ${by}`, async () =>
        openTasks(await read(client, id)).find(({ assignee }) => assignee.userName === by),
      );
      return { task, answer: await decide(client, task, 'approve', { comment: 'Fine' }) };
    };
    for (const by of ['bob@example.com', 'mike@example.com']) expectStatus((await approve(by)).answer, 200);
    const sam = await approve('sam@example.com');
    expect(expectStatus(sam.answer, 200).state).toBe('pending_review');
    const twice = await decide(client, sam.task, 'approve', { comment: 'Fine' });
    expect([twice.status, (twice.body as unknown as Json).code]).toEqual([409, 'task_closed']);
    const [left] = openTasks(await read(client, id));
    const forSofia = await client
      .as('sam@example.com')
      .post<Json>(`/v1/tasks/${left?.id}/decision`, { decision: 'approve', comment: 'Fine' });
    expect([forSofia.status, forSofia.body.code]).toEqual([403, 'not_assignee']);
    expect(expectStatus((await approve('sofia@example.com')).answer, 200).state).toBe('completed');
  });

  it('of an order loses the approvals that looked at what has changed, and no others', async () => {
    const payload = { amount: 2500, currency: 'EUR', department: 'IT', region: 'EMEA', costCentre: '100' };
    const { id } = await submit(client, { workflow: 'purchase-order', payload });
    const [forBob] = await untilTasks(client, id);
    if (!forBob) throw new Error('no task');
    expectStatus(await decide(client, forBob, 'approve'), 200);
    const forCarol = (await untilTasks(client, id, 3)).find(
      ({ assignee }) => assignee.userName === 'carol@example.com',
    );
    if (!forCarol) throw new Error('no task');
    expectStatus(await decide(client, forCarol, 'approve'), 200);
    const carols = async () => {
      const { stages } = await read(client, id);
      const mine = stages.flatMap(({ tasks }) => tasks).find((task) => task.id === forCarol.id);
      return [stages[0]?.state, mine?.state];
    };
    const patch = (more: Json) => client.patch(`/v1/requests/${id}`, { payload: { ...payload, ...more } });
    expectStatus(await patch({ supplier: 'Fabrikam' }), 200);
    expect(await carols()).toEqual(['approved', 'approved']);
    expectStatus(await patch({ supplier: 'Fabrikam', costCentre: '200' }), 200);
    expect(await carols()).toEqual(['approved', 'dismissed']);
    const again = await untilTasks(client, id, 3);
    expect(again.map(({ revision }) => revision)).toEqual([3, 3, 3]);
  });

  it('of a contract comes back from the deal desk, and goes through with a smaller discount', async () => {
    const payload = { value: 20_000, discount: 20, region: 'AMER', standardTerms: true };
    const { id } = await submit(client, {
      workflow: 'sales-contract',
      requester: 'ivan@example.com',
      payload,
    });
    for (const task of (await untilTasks(client, id, 3)).slice(0, 2)) {
      const answer = await decide(client, task, 'reject', { comment: 'Too much', reasonCode: 'discount' });
      expectStatus(answer, 200);
    }
    expect((await read(client, id)).state).toBe('returned');
    const smaller = { payload: { ...payload, discount: 10 } };
    expectStatus(await client.patch(`/v1/requests/${id}`, smaller), 200);
    const ended = expectStatus(await client.post<RequestView>(`/v1/requests/${id}/submit`, {}), 200);
    expect(ended).toMatchObject({ state: 'completed', revision: 2 });
    expect(ended.stages.map(({ state }) => state)).toEqual(['skipped', 'skipped', 'skipped', 'skipped']);
  });

  it('of an emergency can be ended by an override, which its trail names', async () => {
    const payload = { system: 'Shop', kind: 'emergency', risk: 'high', plan: 'Fail over' };
    const { id } = await submit(client, { workflow: 'change-request', payload });
    await untilTasks(client, id);
    const reason = 'Site is down, incident 4711';
    const override = { outcome: 'approved', reason };
    const ended = expectStatus(await client.post<RequestView>(`/v1/requests/${id}/override`, override), 200);
    expect(ended).toMatchObject({ state: 'completed', overridden: true });
    expect(ended.stages.map(({ key: stage, state }) => [stage, state])).toEqual([
      ['incident-manager', 'canceled'],
      ['board', 'skipped'],
      ['security', 'canceled'],
    ]);
    const timeline = await client.get<Page<{ type: string; detail: Json }>>(`/v1/requests/${id}/timeline`);
    const named = timeline.body.data.find(({ type }) => type === 'request.overridden');
    expect(named?.detail).toMatchObject({ reason });
  });
});

it('nothing has failed on the way', () => {
  expect(system.faults()).toEqual([]);
});
