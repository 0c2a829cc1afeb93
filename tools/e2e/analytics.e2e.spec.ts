import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type Json } from './http-client';
import { createOrganisation, createUser, type Organisation } from './organisation';
import { decide, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish } from './workflows';

jest.setTimeout(90_000);

interface Report extends Json {
  entries: number;
  complete: boolean;
  data: Json[];
}

let system: TestSystem;
let client: HttpClient;
let people: Organisation;

beforeAll(async () => {
  system = await startTestSystem();
  client = system.admin;
  people = await createOrganisation(client);
  await createUser(client, { userName: 'rita@example.com', department: 'Sales', manager: people.bob.id });
  await publish(
    client,
    `key: spending
title: Spending
stages:
  - key: finance
    approvers: [ { group: finance } ]
    quorum: any
`,
  );
  await publish(
    client,
    `key: formality
title: Formality
onNoStage: approve
stages:
  - key: never
    when: "false"
    approvers: [ { user: bob@example.com } ]
`,
  );
});

afterAll(() => system?.stop());

const openApi = JSON.parse(
  readFileSync(path.resolve(__dirname, '..', '..', 'apps', 'gateway', 'openapi.json'), 'utf8'),
) as {
  paths: Record<
    string,
    { get: { responses: Record<string, { content: Record<string, { schema: object }> }> } }
  >;
};
const ajv = new Ajv2020({ strict: false });
addFormats(ajv);

/** The report once it rests on the whole log, and as the OpenAPI document says it looks. */
const report = async (name: string, query = ''): Promise<Report> => {
  const body = await eventually(`${name} has counted everything`, async () => {
    const answer = await client.get<Report>(`/v1/analytics/${name}${query}`);
    return expectStatus(answer, 200).complete ? answer.body : null;
  });
  const { schema } =
    openApi.paths[`/v1/analytics/${name}`]!.get.responses['200']!.content['application/json']!;
  const validate = ajv.compile(schema);
  expect([validate(body), validate.errors]).toEqual([true, null]);
  return body;
};

describe('analytics', () => {
  it('tells what became of requests, how long they took and where they wait', async () => {
    const requester = 'rita@example.com';
    const [approved, rejected, canceled, waiting] = [
      await submit(client, { workflow: 'spending', requester }),
      await submit(client, { workflow: 'spending', requester }),
      await submit(client, { workflow: 'spending', requester }),
      await submit(client, { workflow: 'spending' }),
    ];
    const formality = await submit(client, { workflow: 'formality', requester });
    const [toApprove] = await untilTasks(client, approved.id, 3);
    expectStatus(await decide(client, toApprove!, 'approve'), 200);
    const [toReject] = await untilTasks(client, rejected.id, 3);
    expectStatus(await decide(client, toReject!, 'reject'), 200);
    await untilTasks(client, canceled.id, 3);
    expectStatus(
      await client.as(requester).post(`/v1/requests/${canceled.id}/cancel`, { reason: 'no more' }),
      200,
    );
    await untilTasks(client, waiting.id, 3);
    const done = [
      await untilState(client, approved.id, 'completed'),
      await untilState(client, rejected.id, 'rejected'),
      await untilState(client, formality.id, 'completed'),
    ];
    // Everything of these has reached the log.
    await eventually('five requests are counted', async () => {
      const { data } = await report('throughput');
      const { requests } = data[0] as { requests: { submitted: number; ended: number } };
      return requests.submitted === 5 && requests.ended === 4;
    });

    const outcomes = await report('outcomes');
    expect(outcomes.data).toMatchObject([
      {
        requests: {
          ended: 4,
          completed: 2,
          rejected: 1,
          canceled: 1,
          abandoned: 1,
          straightThrough: 1,
          rates: { completion: 0.5, rejection: 0.25, abandonment: 0.25, exception: 0, straightThrough: 0.25 },
        },
        stages: { ended: 3, approved: 1, rejected: 1, canceled: 1 },
      },
    ]);
    const byDepartment = await report('outcomes', '?groupBy=department');
    expect(byDepartment.data).toMatchObject([{ department: 'Sales', requests: { ended: 4 } }]);
    const byGroup = await report('outcomes', '?groupBy=group&workflow=spending');
    expect(byGroup.data).toMatchObject([{ group: people.finance.id, stages: { ended: 3 } }]);

    const { data: times } = await report('cycle-times', '?groupBy=workflow');
    const spending = times.find(({ workflow }) => workflow === 'spending') as {
      requests: { count: number; meanMs: number };
      stages: { count: number };
    };
    const took = done
      .slice(0, 2)
      .map(
        ({ submittedAt, decidedAt, completedAt }) =>
          Date.parse(completedAt ?? decidedAt ?? '') - Date.parse(submittedAt ?? ''),
      );
    expect(spending.requests).toMatchObject({ count: 2, meanMs: Math.round((took[0]! + took[1]!) / 2) });
    expect(spending.stages.count).toBe(2);

    const bottlenecks = await report('bottlenecks', '?groupBy=stage');
    expect(bottlenecks.data).toMatchObject([
      {
        workflow: 'spending',
        stage: 'finance',
        stages: 1,
        requests: 1,
        unassigned: 0,
        openTasks: 3,
        breached: 0,
      },
    ]);
  });

  it('is for keys that may read the trail, and shows a limited key its workflows', async () => {
    const make = async (scopes: string[]) => {
      const body = { name: 'reader', scopes, workflows: ['formality'] };
      return system.caller(expectStatus(await client.post<{ key: string }>('/v1/api-keys', body), 201).key);
    };
    const reader = await make(['audit:read']);
    expect(expectStatus(await reader.get<Report>('/v1/analytics/outcomes'), 200).data).toMatchObject([
      { requests: { ended: 1, completed: 1, straightThrough: 1 }, stages: { ended: 0 } },
    ]);
    expect(await reader.get('/v1/analytics/outcomes?workflow=spending')).toMatchObject({
      status: 403,
      body: { code: 'workflow_not_allowed' },
    });
    const other = await make(['requests:read']);
    for (const name of ['cycle-times', 'throughput', 'outcomes', 'bottlenecks'])
      expect(await other.get(`/v1/analytics/${name}`)).toMatchObject({
        status: 403,
        body: { code: 'insufficient_scope' },
      });
  });

  it('says the same when it has been made anew', async () => {
    const query = `?groupBy=stage&from=2026-01-01T00:00:00Z&to=${new Date(Date.now() + 60_000).toISOString()}`;
    const before = await report('outcomes', query);
    expectStatus(await client.post('/v1/analytics/rebuild'), 200);
    expect((await report('outcomes', query)).data).toEqual(before.data);
  });
});
