import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020';
import { pack, type Headers } from 'tar-stream';
import { parse } from 'yaml';
import { expectStatus, type HttpAnswer, type HttpClient, type Json, type Page } from './http-client';
import { createOrganisation, type Organisation } from './organisation';
import { decide, read, submit, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder, workflowOf } from './workflows';

jest.setTimeout(60_000);

const run = promisify(execFile);

let system: TestSystem;
let client: HttpClient;
let people: Organisation;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-workflows-'));
  system = await startTestSystem();
  client = system.admin;
  people = await createOrganisation(client);
});

afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const code = (answer: HttpAnswer<unknown>) => (answer.body as { code?: string }).code;
const yaml = { type: 'application/yaml' };
const gzip = { type: 'application/gzip' };
const asks = (person: string) => `  - key: only\n    approvers: [ { user: ${person}@example.com } ]\n`;

interface Version extends Json {
  version: number;
  state: string;
  definition: Json;
  text: string;
  createdBy: Json;
  publishedBy: Json | null;
  note: string | null;
  publications: { publishedAt: string; publishedBy: Json; note: string | null }[];
}

const draft = async (caller: HttpClient, text: string): Promise<Version> =>
  expectStatus(await caller.post<Version>('/v1/workflows', text, yaml), 201);
const makePublished = async (caller: HttpClient, key: string, version: number, note?: string) =>
  expectStatus(
    await caller.post<Version>(`/v1/workflows/${key}/versions/${version}/publish`, note ? { note } : {}),
    200,
  );
const versionsOf = async (caller: HttpClient, key: string): Promise<Version[]> =>
  expectStatus(await caller.get<Page<Version>>(`/v1/workflows/${key}/versions`), 200).data;

const makeKey = async (scopes: string[], workflows?: string[], caller = client): Promise<HttpClient> => {
  const made = await caller.post<{ key: string }>('/v1/api-keys', {
    name: 'limited',
    scopes,
    ...(workflows ? { workflows } : {}),
  });
  return system.caller(expectStatus(made, 201).key);
};

describe('the versions of a workflow', () => {
  it('are drafted, published, retired and rolled back, and the log says who did it and why', async () => {
    await draft(client, workflowOf('log', asks('bob')));
    const refused = await client.post('/v1/requests', {
      workflow: 'log',
      title: 'Too early',
      requester: 'alice@example.com',
      payload: {},
    });
    expect([refused.status, code(refused)]).toEqual([422, 'unknown_reference']);
    await makePublished(client.as('carol@example.com'), 'log', 1, 'To begin with');
    const early = await submit(client, { workflow: 'log' });
    await draft(client, workflowOf('log', asks('dave')));
    await makePublished(client.as('erin@example.com'), 'log', 2, 'Bob is on leave');
    const late = await submit(client, { workflow: 'log' });
    await makePublished(client, 'log', 1, 'Bob is back');
    const last = await submit(client, { workflow: 'log' });

    // Each stays on the version that it began with.
    const of = async ({ id }: { id: string }) => {
      const [task] = await untilTasks(client, id);
      if (!task) throw new Error('no task');
      return [(await read(client, id)).workflow.version, task.assignee.userName];
    };
    expect(await Promise.all([early, late, last].map(of))).toEqual([
      [1, 'bob@example.com'],
      [2, 'dave@example.com'],
      [1, 'bob@example.com'],
    ]);

    const user = (id: string) => ({ type: 'user', id, via: expect.any(String) });
    const [second, first] = await versionsOf(client, 'log');
    expect(second).toMatchObject({ version: 2, state: 'retired', note: 'Bob is on leave' });
    expect(second?.publications).toMatchObject([
      { publishedBy: user(people.erin.id), note: 'Bob is on leave' },
    ]);
    expect(first).toMatchObject({ version: 1, state: 'published', note: 'Bob is back' });
    expect(first?.publications.map(({ publishedBy, note }) => [publishedBy, note])).toEqual([
      [user(people.carol.id), 'To begin with'],
      [expect.objectContaining({ type: 'service' }), 'Bob is back'],
    ]);
    expect(expectStatus(await client.get('/v1/workflows/log'), 200)).toMatchObject({
      publishedVersion: 1,
      newestVersion: 2,
    });
  });

  it('are told apart in sentences', async () => {
    const difference = expectStatus(
      await client.get<{ differences: { pointer: string; stage: string; message: string }[] }>(
        '/v1/workflows/log/diff?from=1&to=2',
      ),
      200,
    );
    expect(difference).toMatchObject({ key: 'log', from: 1, to: 2 });
    expect(difference.differences).toMatchObject([{ stage: 'only' }]);
    expect(difference.differences[0]?.message).toMatch(/dave@example\.com/);
    const absent = await client.get('/v1/workflows/log/diff?from=1&to=9');
    expect([absent.status, code(absent)]).toEqual([404, 'not_found']);
  });
});

describe('lint', () => {
  const lint = async (caller: HttpClient, text: string) =>
    expectStatus(
      await caller.post<Record<'errors' | 'warnings', { pointer: string; code: string; message: string }[]>>(
        '/v1/workflows/lint',
        text,
        yaml,
      ),
      200,
    );

  it('knows whom the directory knows: by id, externalId, user name and group name, and nobody else', async () => {
    const { errors } = await lint(
      client,
      `key: known
stages:
  - key: all
    approvers:
      - user: BOB@example.com
      - user: ${people.bob.id}
      - user: ${String(people.bob.externalId)}
      - group: finance
      - group: ${people.finance.id}
      - user: zoe@example.com
      - group: Fishing
    expire: { after: P7D }
`,
    );
    expect(errors.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'unknown-user /stages/0/approvers/5/user',
      'unknown-group /stages/0/approvers/6/group',
    ]);
  });

  it('of the example of the contract finds nothing wrong', async () => {
    expect((await lint(client, purchaseOrder)).errors).toEqual([]);
  });

  it('needs workflows:read, and keeps to the workflows of the key', async () => {
    const reader = await makeKey(['workflows:read'], ['mine']);
    await lint(reader, workflowOf('mine', asks('bob')));
    const other = await reader.post('/v1/workflows/lint', workflowOf('other', asks('bob')), yaml);
    expect([other.status, code(other)]).toEqual([403, 'workflow_not_allowed']);
    const foreign = await reader.get('/v1/workflows/log/diff?from=1&to=2');
    expect([foreign.status, code(foreign)]).toEqual([403, 'workflow_not_allowed']);
    const decider = await makeKey(['tasks:decide']);
    const unscoped = await decider.post('/v1/workflows/lint', workflowOf('mine', asks('bob')), yaml);
    expect([unscoped.status, code(unscoped)]).toEqual([403, 'insufficient_scope']);
  });

  it('says what it can while the directory is down', async () => {
    const directory = system.service('approver-resolution');
    await directory.stop();
    try {
      const { errors, warnings } = await lint(client, workflowOf('alone', asks('zoe')));
      expect(errors).toEqual([]);
      expect(warnings.map(({ code }) => code)).toContain('directory-unavailable');
    } finally {
      await directory.start();
    }
  });
});

describe('the JSON Schema of definitions', () => {
  it('is one of 2020-12 that editors can use as it is, and agrees with the API', async () => {
    const schema = expectStatus(await client.get('/v1/schemas/workflow.json'), 200);
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const isDefinition = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    expect([isDefinition(parse(purchaseOrder)), isDefinition.errors]).toEqual([true, null]);
    expect(isDefinition({ key: 'x', stages: [{ key: 'a', approvers: [{ user: 1 }] }] })).toBe(false);
    expect(isDefinition({ key: 'x', stages: [], extra: 1 })).toBe(false);
  });
});

describe('export and import', () => {
  const jsonFlow = { key: 'as-json', stages: [{ key: 's', approvers: [{ user: 'bob@example.com' }] }] };
  let [liveKey, sandboxKey] = ['', ''];
  let live: HttpClient;
  let sandbox: HttpClient;

  beforeAll(async () => {
    const workspace = async (kind: 'live' | 'sandbox') => {
      const made = await client.post<{ adminKey: string }>('/v1/workspaces', { name: kind, kind });
      return expectStatus(made, 201).adminKey;
    };
    [liveKey, sandboxKey] = [await workspace('live'), await workspace('sandbox')];
    [live, sandbox] = [system.caller(liveKey), system.caller(sandboxKey)];
    await publish(live, purchaseOrder);
    await publish(live, workflowOf('log', asks('bob')));
    await draft(live, workflowOf('log', asks('dave')));
    expectStatus(await live.post('/v1/workflows', jsonFlow), 201);
  });

  /** A plain download tool, as the contract promises: the key is the password of HTTP Basic. */
  const curl = async (key: string, ...args: string[]): Promise<string> =>
    (await run('curl', ['-sS', '--fail-with-body', '-u', `:${key}`, ...args])).stdout;

  const download = async (name: string, query = '', key = liveKey): Promise<string> => {
    const file = path.join(folder, name);
    await curl(key, '-o', file, `${system.url}/v1/workflows/export${query}`);
    return file;
  };

  const upload = async (file: string): Promise<{ key: string; version: number | null; state: string }[]> =>
    JSON.parse(
      await curl(
        sandboxKey,
        '-H',
        'content-type: application/gzip',
        '--data-binary',
        `@${file}`,
        `${system.url}/v1/workflows/import`,
      ),
    ).data;

  const unpacked = async (file: string): Promise<Record<string, string>> => {
    const to = `${file}.d`;
    mkdirSync(to);
    await run('tar', ['xzf', file, '-C', to]);
    return Object.fromEntries(
      readdirSync(to).map((name) => [name, readFileSync(path.join(to, name), 'utf8')]),
    );
  };

  it('round trips by curl and tar: same bytes, own words, drafts of what differs and of nothing else', async () => {
    const [one, other] = [await download('one.tgz'), await download('other.tgz')];
    expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
    const files = await unpacked(one);
    expect(Object.keys(files).sort()).toEqual(['as-json.yaml', 'log.yaml', 'purchase-order.yaml']);
    // Byte for byte: comments, order and spaces are the author's.
    expect(files['purchase-order.yaml']).toBe(purchaseOrder);
    expect(files['purchase-order.yaml']).toContain('# JSON Schema of the payload');
    expect(parse(files['as-json.yaml'] ?? '')).toEqual(jsonFlow);
    expect(files['log.yaml']).toBe(workflowOf('log', asks('bob')));

    const created = ['as-json', 'log', 'purchase-order'].map((key) => ({
      key,
      version: 1,
      state: 'created',
    }));
    const unchanged = created.map(({ key }) => ({ key, version: null, state: 'unchanged' }));
    expect(await upload(one)).toEqual(created);
    expect(await upload(one)).toEqual(unchanged);
    expect(readFileSync(await download('sandbox.tgz', '', sandboxKey)).equals(readFileSync(one))).toBe(true);

    const edited = `${one}.d`;
    writeFileSync(path.join(edited, 'log.yaml'), `# moved\n${files['log.yaml']}`);
    const again = path.join(folder, 'edited.tgz');
    await run('tar', ['czf', again, '-C', edited, '.']);
    expect(await upload(again)).toEqual([
      { key: 'as-json', version: null, state: 'unchanged' },
      { key: 'log', version: 2, state: 'created' },
      { key: 'purchase-order', version: null, state: 'unchanged' },
    ]);
    const [newest] = await versionsOf(sandbox, 'log');
    expect(newest).toMatchObject({ version: 2, state: 'draft', text: `# moved\n${files['log.yaml']}` });
  });

  it('gives one workflow, and only what the key may see', async () => {
    expect(Object.keys(await unpacked(await download('log.tgz', '?key=log')))).toEqual(['log.yaml']);
    const limited = await makeKey(['workflows:read', 'workflows:write'], ['log'], live);
    const other = await limited.get('/v1/workflows/export?key=purchase-order');
    expect([other.status, code(other)]).toEqual([403, 'workflow_not_allowed']);
    const absent = await live.get('/v1/workflows/export?key=nothing');
    expect([absent.status, code(absent)]).toEqual([404, 'not_found']);
    const whole = readFileSync(path.join(folder, 'one.tgz'));
    const beyond = await limited.post('/v1/workflows/import', whole, gzip);
    expect([beyond.status, code(beyond)]).toEqual([403, 'workflow_not_allowed']);
  });

  it('of an imported draft can be published, and runs', async () => {
    await createOrganisation(sandbox);
    await makePublished(sandbox, 'log', 1);
    const { id } = await submit(sandbox, { workflow: 'log' });
    const [task] = await untilTasks(sandbox, id);
    if (!task) throw new Error('no task');
    expect(expectStatus(await decide(sandbox, task, 'approve'), 200).state).toBe('completed');
  });

  const tarOf = async (...entries: [Headers, string?][]): Promise<Buffer> => {
    const archive = pack();
    for (const [header, content] of entries) archive.entry(header, content ?? '');
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const fine = workflowOf('smuggled', asks('bob'));
  const good: [Headers, string] = [{ name: 'good.yaml' }, fine];

  const hostile: [string, number, () => Buffer | Promise<Buffer>][] = [
    ['a path that climbs', 400, () => tarOf(good, [{ name: '../../etc/x.yaml' }, fine])],
    ['an absolute path', 400, () => tarOf(good, [{ name: '/etc/x.yaml' }, fine])],
    [
      'a symbolic link',
      400,
      () => tarOf(good, [{ name: 'x.yaml', type: 'symlink', linkname: '/etc/passwd' }]),
    ],
    ['a hard link', 400, () => tarOf(good, [{ name: 'x.yaml', type: 'link', linkname: 'good.yaml' }])],
    ['a device', 400, () => tarOf(good, [{ name: 'x.yaml', type: 'character-device' }])],
    [
      'a member of a size that is a lie',
      400,
      async () => {
        const tar = await tarOf(good);
        tar.write('77777777777', 124, 'latin1');
        return tar;
      },
    ],
    ['a bomb', 400, () => Buffer.alloc(512 * 1024 * 1024)],
    [
      '65,000 members',
      400,
      async () => {
        const header = (await tarOf([{ name: 'x.yaml' }, ''])).subarray(0, 512);
        return Buffer.concat(Array.from({ length: 65_000 }, () => header));
      },
    ],
    ['no tar', 400, () => Buffer.from('not a tar archive at all. '.repeat(100))],
    ['nothing', 400, () => Buffer.alloc(1_024)],
    ['no definition', 422, () => tarOf(good, [{ name: 'x.yaml' }, 'stages: 7\n'])],
    ['a billion laughs', 422, () => tarOf(good, [{ name: 'x.yaml' }, laughs])],
    ['the same workflow twice', 422, () => tarOf(good, [{ name: 'x.yaml' }, fine])],
  ];
  const laughs = [
    'a: &a [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from('bcdefghi', (name, at) => {
      const before = 'abcdefgh'[at];
      return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`;
    }),
  ].join('\n');

  it.each(hostile)('refuses %s, quickly, and takes nothing of it', async (_, status, bytes) => {
    const body = gzipSync(await bytes());
    const start = Date.now();
    const answer = await client.post('/v1/workflows/import', body, gzip);
    const tookMs = Date.now() - start;
    expect([answer.status, code(answer)]).toEqual([
      status,
      status === 400 ? 'validation_failed' : 'definition_invalid',
    ]);
    expect((answer.body as { errors: unknown[] }).errors.length).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(2_000);
    expect((await client.get('/v1/workflows/smuggled')).status).toBe(404);
  });

  it('refuses what is no gzip, too large, or of another type', async () => {
    const plain = await client.post('/v1/workflows/import', await tarOf(good), gzip);
    expect([plain.status, code(plain)]).toEqual([400, 'validation_failed']);
    const large = await client.post('/v1/workflows/import', Buffer.alloc(1024 * 1024 + 1), gzip);
    expect([large.status, code(large)]).toEqual([413, 'payload_too_large']);
    const other = await client.post('/v1/workflows/import', fine, yaml);
    expect([other.status, code(other)]).toEqual([415, 'unsupported_media_type']);
  });

  it('is not bothered by fifty bombs at once', async () => {
    const memory = () => {
      const status = readFileSync(`/proc/${system.service('intake').pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
    };
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024));
    const before = memory();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.post('/v1/workflows/import', bomb, gzip)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
    expect(memory() - before).toBeLessThan(400);
  });
});

it('has handled every message at the first try', () => {
  expect(system.faults()).toEqual([]);
});
