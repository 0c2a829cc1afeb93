import { gzipSync } from 'node:zlib';
import type { CallOptions, TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { writeArchive } from '../src/workflows/archive/write-archive';
import { createIntake } from './create-intake';

let intake: TestService;

beforeAll(async () => {
  intake = await createIntake();
});

afterAll(() => intake?.stop());

const yaml = { 'content-type': 'application/yaml' };
const gzip = { 'content-type': 'application/gzip' };
const flow = (key: string, more = '') =>
  `# kept\nkey: ${key}${more}\nstages:\n  - key: one # why\n    approvers: [ { user: a@example.com } ]\n`;
const archiveOf = (...texts: [string, string][]) =>
  writeArchive(texts.map(([key, text]) => ({ name: `${key}.yaml`, text })));
const send = (bytes: Buffer, options: CallOptions = {}) =>
  intake.call('POST', '/v1/workflows/import', bytes, {
    ...options,
    headers: { ...gzip, ...options.headers },
  });

describe('export and import', () => {
  const sandbox = v7();

  it('gives every workflow as its author wrote it, JSON as YAML, in the same bytes each time', async () => {
    await intake.call('POST', '/v1/workflows', flow('paper'), { headers: yaml });
    await intake.call('POST', '/v1/workflows', {
      key: 'json',
      stages: [{ key: 's', approvers: [{ user: 'b' }] }],
    });
    const answer = await intake.get('/v1/workflows/export');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/gzip');
    const again = await intake.get('/v1/workflows/export');
    expect(again.text).toBe(answer.text);
    expect((await intake.get('/v1/workflows/export?key=nobody')).status).toBe(404);
  });

  it('makes drafts of what differs, and only of that', async () => {
    const both = await archiveOf(['paper', flow('paper')], ['second', flow('second')]);
    const first = await send(both);
    expect(first.body).toEqual({
      data: [
        { key: 'paper', version: null, state: 'unchanged' },
        { key: 'second', version: 1, state: 'created' },
      ],
    });
    const changed = await send(await archiveOf(['paper', flow('paper').replace('# kept', '# other')]));
    expect(changed.body.data).toEqual([{ key: 'paper', version: 2, state: 'created' }]);
    expect((await send(both, { workspace: sandbox })).body.data).toHaveLength(2);
  });

  it('says in the log which workflow every version and publication is about', async () => {
    const workspace = v7();
    await send(await archiveOf(['told', flow('told')]), { workspace });
    await intake.call('POST', '/v1/workflows', flow('told', '\ntitle: Two'), { headers: yaml, workspace });
    await intake.call('POST', '/v1/workflows/told/versions/2/publish', {}, { workspace });
    const facts = (await intake.sent('fact.happened.v1'))
      .filter(({ workspaceId }) => workspaceId === workspace)
      .flatMap(({ data }) => data.facts);
    const about = { workflow: 'told', workflowId: facts[0]?.content.workflowId };
    expect(about.workflowId).toEqual(expect.any(String));
    expect(facts).toMatchObject([
      { type: 'workflow.version_added', content: { ...about, version: 1, origin: 'import' } },
      { type: 'workflow.version_added', content: { ...about, version: 2, origin: 'call' } },
      { type: 'workflow.published', content: { ...about, version: 2 } },
    ]);
  });

  it('takes all or nothing, and names file and place', async () => {
    const answer = await send(
      await archiveOf(['good', flow('good')], ['bad', 'key: bad\n'], ['twice', flow('good')]),
    );
    expect(answer.status).toBe(422);
    expect(answer.body.code).toBe('definition_invalid');
    const pointers = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\/bad\.yaml/), '/twice.yaml/key']),
    );
    expect((await intake.get('/v1/workflows/good')).status).toBe(404);
  });

  it('refuses what is no archive, another media type, and workflows that the key may not use', async () => {
    expect((await send(Buffer.from('no'))).body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect((await send(gzipSync(Buffer.alloc(64 * 1024 * 1024)))).body).toMatchObject({ status: 400 });
    expect((await send(Buffer.from('x'), { headers: yaml })).status).toBe(415);
    const limited = await send(await archiveOf(['mine', flow('mine')], ['other', flow('other')]), {
      scopes: ['workflows:write'],
      workflows: ['mine'],
    });
    expect(limited.body).toMatchObject({ status: 403, code: 'workflow_not_allowed' });
    expect((await intake.get('/v1/workflows/mine')).status).toBe(404);
  });
});

describe('publications', () => {
  it('are all kept when an older version is published again', async () => {
    for (const title of ['1', '2'])
      await intake.call('POST', '/v1/workflows', flow('rolled', `\ntitle: "${title}"`), { headers: yaml });
    for (const [version, note] of [
      [1, 'first'],
      [2, 'better'],
      [1, 'rolled back'],
    ])
      expect(
        (await intake.call('POST', `/v1/workflows/rolled/versions/${version}/publish`, { note })).status,
      ).toBe(200);
    const { body } = await intake.get('/v1/workflows/rolled/versions');
    expect(
      body.data.map(({ version, state, publications }: Record<string, { note: string }[]>) => [
        version,
        state,
        publications?.map(({ note }) => note),
      ]),
    ).toEqual([
      [2, 'retired', ['better']],
      [1, 'published', ['first', 'rolled back']],
    ]);
  });
});
