import type { RequestView } from '@countersign/contracts';
import { cpuOfProcesses } from '../bench/process-cpu.mjs';
import { pause } from './eventually';
import { expectStatus, type HttpAnswer, type HttpClient, type Json } from './http-client';
import { createOrganisation } from './organisation';
import { decide, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';

jest.setTimeout(240_000);

let system: TestSystem;
let client: HttpClient;

beforeAll(async () => {
  system = await startTestSystem();
  client = system.admin;
  await createOrganisation(client);
});

afterAll(() => system?.stop());

const code = (answer: HttpAnswer<unknown>) => (answer.body as { code?: string }).code;

const subject = {
  type: 'object',
  required: ['amount', 'lines'],
  properties: {
    amount: { type: 'number' },
    lines: {
      type: 'array',
      items: {
        type: 'object',
        required: ['sku', 'price'],
        properties: { sku: { type: 'string' }, price: { type: 'number' } },
      },
    },
  },
};

/** As near to 256 KiB as whole lines come. */
const largePayload = () => {
  const line = (n: number) => ({ sku: `${n}`.padStart(20, '0'), price: n / 4 });
  const lines = Array.from({ length: 5_400 }, (_, n) => line(n));
  while (Buffer.byteLength(JSON.stringify({ amount: 500, lines })) < 256 * 1024 - 60) lines.push(line(0));
  return { amount: 500, lines };
};

const cpu = () =>
  cpuOfProcesses({
    ...Object.fromEntries(Object.entries(system.services).map(([name, { pid }]) => [name, pid])),
    postgres: system.postgres?.pid,
    redis: system.redis?.pid,
  });

/** Says what a piece of work cost, and gives its outcome. */
const measured = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const [start, before] = [Date.now(), cpu()];
  const outcome = await work();
  const after = cpu();
  const spent = Object.entries(after ?? {}).map(([name, ms]) => `${name} ${ms - (before?.[name] ?? 0)}`);
  console.log(`${what}: ${Date.now() - start} ms; CPU in ms: ${spent.join(', ')}`);
  return outcome;
};

/** A busy machine may answer 202; the decision is then carried out later. */
const expectDecided = (answer: HttpAnswer<RequestView>) => expect([200, 202]).toContain(answer.status);

/** Names that each stand for several of the one before. */
function laughs(levels: number, times: number): string {
  const line = (n: number) =>
    n === 0 ? 'a0: &a0 x' : `a${n}: &a${n} [${Array.from({ length: times }, () => `*a${n - 1}`).join(', ')}]`;
  return `${Array.from({ length: levels }, (_, n) => line(n)).join('\n')}\n`;
}

/** Schemas of which each refers twice to the next. */
function doubling(levels: number): Json {
  const next = (n: number) => ({ $ref: `#/$defs/d${n}` });
  const defs = Array.from({ length: levels }, (_, n) => [`d${n}`, { allOf: [next(n + 1), next(n + 1)] }]);
  return { ...next(0), $defs: { ...Object.fromEntries(defs), [`d${levels}`]: { type: 'object' } } };
}

function nestedMacros(levels: number): string {
  return Array.from({ length: levels }).reduce<string>(
    (inner, _, n) => `payload.l.all(x${n}, ${inner})`,
    'true',
  );
}

const publishJson = async (definition: Json): Promise<void> => {
  const made = expectStatus(
    await client.post<{ key: string; version: number }>('/v1/workflows', definition),
    201,
  );
  expectStatus(await client.post(`/v1/workflows/${made.key}/versions/${made.version}/publish`, {}), 200);
};

describe('500 stages and a payload of 256 KiB', () => {
  const bob = [{ user: 'bob@example.com' }];
  const nobody = { approvers: [{ user: 'zoe@example.com' }], onNoApprovers: 'approve' };

  it('go from submission to the end', async () => {
    const stages = [
      { parallel: Array.from({ length: 40 }, (_, n) => ({ key: `beside${n}`, approvers: bob })) },
      ...Array.from({ length: 420 }, (_, n) => ({
        key: `never${n}`,
        when: `payload.amount > ${1_000 + n} && requester.userName != "x"`,
        approvers: bob,
      })),
      ...Array.from({ length: 39 }, (_, n) => ({ key: `alone${n}`, ...nobody })),
      { key: 'last', when: 'payload.lines.exists(l, l.price > 1300.0)', approvers: bob },
    ];
    await measured('publishing 500 stages', () => publishJson({ key: 'long', subject, stages }));
    const payload = largePayload();
    const submitted = await measured('submitting 256 KiB to them', () =>
      submit(client, { workflow: 'long', payload }),
    );
    const { id, totalStages } = submitted;
    expect(totalStages).toBe(500);
    const done = await measured('80 stages and 41 decisions', async () => {
      for (const task of await untilTasks(client, id, 40))
        expectDecided(await decide(client, task, 'approve'));
      const [last] = await untilTasks(client, id);
      if (!last) throw new Error('no task');
      expectDecided(await decide(client, last, 'approve'));
      return untilState(client, id, 'completed', 'failed');
    });
    expect(done).toMatchObject({ state: 'completed', payload });
    const states = done.stages.map(({ state }) => state);
    expect(states.filter((state) => state === 'skipped')).toHaveLength(420);
    expect(states.filter((state) => state === 'approved')).toHaveLength(80);
  });

  it('are not one stage or one byte more', async () => {
    const stages = Array.from({ length: 501 }, (_, n) => ({ key: `s${n}`, approvers: bob }));
    for (const steps of [stages, [{ parallel: stages.slice(0, 250) }, { parallel: stages.slice(250) }]]) {
      const answer = await client.post<Json>('/v1/workflows', { key: 'longer', stages: steps });
      expect([answer.status, code(answer)]).toEqual([422, 'definition_invalid']);
      expect(answer.body.errors).toEqual([
        { pointer: '/stages', message: expect.stringMatching(/at most 500/) },
      ]);
    }
    const { lines } = largePayload();
    const answer = await client.post('/v1/requests', {
      workflow: 'long',
      title: 'Too much',
      requester: 'alice@example.com',
      payload: { amount: 1, lines: [...lines, ...lines.slice(0, 10)] },
    });
    expect([answer.status, code(answer)]).toEqual([413, 'payload_too_large']);
  });
});

/** As a client does that is told to come again: a slow machine has more to read than it can in time. */
const onceThereIsTime = async (call: () => Promise<HttpAnswer<unknown>>): Promise<HttpAnswer<unknown>> => {
  for (;;) {
    const answer = await call();
    if (answer.status !== 503) return answer;
    await pause(Number(answer.headers['retry-after'] ?? 1) * 1_000);
  }
};

/** How long a caller waits who asks nothing of the service, while something else is going on. */
const slowestHealth = async <T>(work: () => Promise<T>): Promise<{ outcome: T; slowestMs: number }> => {
  let [over, slowestMs] = [false, 0];
  const watch = async () => {
    while (!over) {
      const start = Date.now();
      // Answered by intake itself, which reads definitions.
      expectStatus(await onceThereIsTime(() => client.get('/v1/schemas/workflow.json')), 200);
      expectStatus(await onceThereIsTime(() => client.get('/healthz', { key: null })), 200);
      slowestMs = Math.max(slowestMs, Date.now() - start);
      await pause(5);
    }
  };
  const watching = watch();
  const outcome = await work().finally(() => (over = true));
  await watching;
  return { outcome, slowestMs };
};

describe('a hostile definition', () => {
  const stage = (more: Json = {}) => ({ key: 'one', approvers: [{ user: 'bob@example.com' }], ...more });
  const json = (more: Json) => JSON.stringify({ key: 'hostile', stages: [stage()], ...more });
  const when = (text: string) => json({ stages: [stage({ when: text })] });
  const wide = Array.from({ length: 400 }, (_, n) => `f${n}`);
  const cases: [string, string, number, string, string][] = [
    // JSON
    ['a body over 1 MiB', 'json', 413, 'payload_too_large', json({ title: 'x'.repeat(1024 * 1024) })],
    ['more than 256 KiB', 'json', 422, 'definition_invalid', json({ title: 'x'.repeat(300 * 1024) })],
    ['100,000 brackets', 'json', 400, 'malformed_json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    [
      '400,000 values',
      'json',
      422,
      'definition_invalid',
      `{"key":"hostile","stages":[${'0,'.repeat(400_000)}0]}`,
    ],
    [
      '30,000 stages',
      'json',
      422,
      'definition_invalid',
      json({ stages: Array.from({ length: 30_000 }, () => ({})) }),
    ],
    ['a prototype', 'json', 400, 'malformed_json', '{"key":"hostile","__proto__":{"stages":[]},"stages":[]}'],
    [
      'a prototype in disguise',
      'json',
      400,
      'malformed_json',
      '{"key":"hostile","\\u005f_proto__":{},"stages":[]}',
    ],
    [
      'a constructor',
      'json',
      422,
      'definition_invalid',
      json({ constructor: { prototype: { polluted: true } } }),
    ],
    ['a reserved key', 'json', 422, 'definition_invalid', json({ key: 'lint' })],
    // YAML
    ['a billion laughs', 'yaml', 422, 'definition_invalid', laughs(9, 10)],
    ['laughs in the subject', 'yaml', 422, 'definition_invalid', laughs(60, 2)],
    ['an alias of itself', 'yaml', 422, 'definition_invalid', 'key: hostile\nstages: &a [ *a ]\n'],
    ['100,000 flow brackets', 'yaml', 422, 'definition_invalid', '['.repeat(100_000)],
    [
      'deep indentation',
      'yaml',
      422,
      'definition_invalid',
      Array.from({ length: 700 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
    ],
    ['deep lists', 'yaml', 422, 'definition_invalid', `${'- '.repeat(120_000)}a`],
    ['deep keys', 'yaml', 422, 'definition_invalid', `${'? '.repeat(120_000)}a`],
    [
      '20,000 anchors',
      'yaml',
      422,
      'definition_invalid',
      Array.from({ length: 20_000 }, (_, n) => `- &a${n} x`).join('\n'),
    ],
    ['60,000 aliases', 'yaml', 422, 'definition_invalid', `a: &a x\nb: [${'*a,'.repeat(60_000)}]`],
    [
      'tags',
      'yaml',
      422,
      'definition_invalid',
      'key: !!js/function "function () { process.exit() }"\nstages: []\n',
    ],
    ['40,000 tags', 'yaml', 422, 'definition_invalid', `a: [${'!x y, '.repeat(40_000)}]`],
    ['many documents', 'yaml', 422, 'definition_invalid', '---\na\n'.repeat(40_000)],
    ['the same key 50,000 times', 'yaml', 422, 'definition_invalid', 'a: 1\n'.repeat(50_000)],
    [
      '25,000 keys',
      'yaml',
      422,
      'definition_invalid',
      Array.from({ length: 25_000 }, (_, n) => `k${n}: 1`).join('\n'),
    ],
    [
      'a merge of the prototype',
      'yaml',
      422,
      'definition_invalid',
      'key: hostile\n__proto__: { stages: [] }\nstages: []\n',
    ],
    ['one endless quoted text', 'yaml', 422, 'definition_invalid', `key: "${'\\\n  '.repeat(50_000)}`],
    ['one endless comment', 'yaml', 422, 'definition_invalid', `#${'# '.repeat(120_000)}`],
    ['spaces', 'yaml', 422, 'definition_invalid', `key: a${' '.repeat(250_000)}b: c`],
    ['blank lines', 'yaml', 422, 'definition_invalid', `key: |\n${'\n'.repeat(250_000)}`],
    ['a colon in every word', 'yaml', 422, 'definition_invalid', `{${'a:b,'.repeat(60_000)}`],
    ['control characters', 'yaml', 422, 'definition_invalid', `key: "${'\u0007'.repeat(1_000)}"`],
    // JSON Schema
    ...['(a+)+$', '(.*a){30}', '^(([a-z])+.)+[A-Z]([a-z])+$'].map(
      (pattern): [string, string, number, string, string] => [
        `the pattern ${pattern} with look-ahead`,
        'json',
        422,
        'definition_invalid',
        json({ subject: { properties: { a: { pattern: `(?=${pattern})` } } } }),
      ],
    ),
    [
      'a pattern that repeats repetitions',
      'json',
      422,
      'definition_invalid',
      json({ subject: { properties: { a: { pattern: '((a{100}){100}){100}' } } } }),
    ],
    [
      'a pattern of 200 KiB',
      'json',
      422,
      'definition_invalid',
      json({ subject: { pattern: 'a?'.repeat(100_000) } }),
    ],
    ['a schema of itself', 'json', 422, 'definition_invalid', json({ subject: { $ref: '#' } })],
    ['schemas that double', 'json', 422, 'definition_invalid', json({ subject: doubling(40) })],
    [
      'a schema of somewhere else',
      'json',
      422,
      'definition_invalid',
      json({ subject: { $ref: 'http://127.0.0.1:1/x' } }),
    ],
    // CEL
    [
      'a long chain',
      'json',
      422,
      'definition_invalid',
      when(wide.map((name) => `payload.${name} > 1`).join(' && ')),
    ],
    ['deep parentheses', 'json', 422, 'definition_invalid', when(`${'('.repeat(900)}true${')'.repeat(900)}`)],
    ['negations', 'json', 422, 'definition_invalid', when(`${'!'.repeat(1_999)}true`)],
    ['minus signs', 'json', 422, 'definition_invalid', when(`${'-'.repeat(1_990)}payload.a == 1`)],
    ['nested macros', 'json', 422, 'definition_invalid', when(nestedMacros(40))],
    ['a large pattern', 'json', 422, 'definition_invalid', when('payload.a.matches("((a{100}){100}){100}")')],
    [
      'a text of a megabyte',
      'json',
      422,
      'definition_invalid',
      when(`payload.a == "${'x'.repeat(200_000)}"`),
    ],
    ['a thousand alternatives', 'json', 422, 'definition_invalid', when('true ? '.repeat(280))],
    [
      '125 of the longest conditions, each wrong',
      'json',
      422,
      'definition_invalid',
      json({
        stages: Array.from({ length: 125 }, (_, n) =>
          stage({ key: `s${n}`, when: `${'payload.zzzzzzzz > 1 && '.repeat(80)}nothing` }),
        ),
      }),
    ],
  ];

  it.each(cases)('of %s is refused at once', async (_, kind, status, problem, body) => {
    const before = cpu()?.intake ?? 0;
    const outcome = await client.post<Json>('/v1/workflows', body, { type: `application/${kind}` });
    const spentMs = (cpu()?.intake ?? 0) - before;
    expect([outcome.status, code(outcome)]).toEqual([status, problem]);
    if (status === 422) expect((outcome.body.errors as unknown[]).length).toBeGreaterThan(0);
    expect(outcome.text.length).toBeLessThan(64 * 1024);
    // None takes a second; before there were bounds, some took most of a minute.
    expect(spentMs).toBeLessThan(10_000);
  });

  it('of every kind, several at a time, leaves the service answering', async () => {
    const left = cases.flatMap(([name, kind, status, , body]) => [
      { name, kind, body, path: '', status },
      // To lint, what is wrong with a definition is the answer.
      { name, kind, body, path: '/lint', status: status === 422 ? 200 : status },
    ]);
    const wrong: string[] = [];
    const { slowestMs } = await slowestHealth(() =>
      Promise.all(
        Array.from({ length: 4 }, async () => {
          for (let next = left.pop(); next; next = left.pop()) {
            const { name, kind, body, path, status } = next;
            const type = `application/${kind}`;
            const answer = await onceThereIsTime(() => client.post(`/v1/workflows${path}`, body, { type }));
            if (answer.status !== status) wrong.push(`${name}: ${answer.status} instead of ${status}`);
          }
        }),
      ),
    );
    console.log(`slowest answer beside them: ${slowestMs} ms`);
    expect(wrong).toEqual([]);
  });

  it('that only explodes when it runs fails its request, and nothing else', async () => {
    await publishJson({ key: 'exploding', stages: [stage({ when: nestedMacros(8) })] });
    const { outcome } = await slowestHealth(async () => {
      const payload = { l: Array.from({ length: 20_000 }, () => 1) };
      const { id } = await submit(client, { workflow: 'exploding', payload });
      return untilState(client, id, 'failed', 'pending_review', 'completed');
    });
    expect(outcome).toMatchObject({ state: 'failed', failure: { code: 'expression_error', stage: 'one' } });
    expect(outcome.failure?.detail).toContain('too many steps');
  });

  it('leaves no trace', async () => {
    expect((await client.get('/v1/workflows/hostile')).status).toBe(404);
    expect(({} as Json).polluted).toBeUndefined();
  });
});

it('has handled every message at the first try', () => {
  expect(system.faults()).toEqual([]);
});
