import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { until, type TestService } from '@countersign/service-kit/test';
import S3rver from 's3rver';
import { v7 } from 'uuid';
import { createAudit } from '../../test/create-audit';
import { storyOf } from '../../test/transitions';

let service: TestService;
let dir: string;
let root: string;
let s3: S3rver;
let bucket: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'countersign-schedules-'));
  root = path.join(dir, 'exports');
  await mkdir(root);
  s3 = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: path.join(dir, 's3'),
    configureBuckets: [{ name: 'exports', configs: [] }],
  });
  bucket = `http://127.0.0.1:${(await s3.run()).port}`;
  service = await createAudit({
    COUNTERSIGN_EXPORT_DIR: root,
    COUNTERSIGN_S3_ENDPOINT: bucket,
    COUNTERSIGN_S3_BUCKET: 'exports',
    COUNTERSIGN_S3_ACCESS_KEY_ID: 'S3RVER',
    COUNTERSIGN_S3_SECRET_ACCESS_KEY: 'S3RVER',
  });
}, 60_000);
afterAll(async () => {
  await service.stop();
  s3.httpServer.closeAllConnections();
  await s3.close();
  await rm(dir, { recursive: true, force: true });
}, 30_000);

const tell = async (workspace: string) => {
  const { messages } = storyOf(workspace);
  await service.send(...messages);
  await service.handled(...messages);
};
const base = '/v1/audit/export-schedules';
const wanted = {
  name: 'nightly',
  format: 'ndjson',
  every: 'PT1H',
  target: { type: 'folder', path: 'siem/log' },
};
const make = async (workspace: string, changes: object = {}) => {
  const { status, body } = await service.call('POST', base, { ...wanted, ...changes }, { workspace });
  expect(status).toBe(201);
  return body;
};
const runsOf = async (workspace: string, id: string) =>
  (await service.get(`${base}/${id}/runs`, { workspace })).body.data as {
    state: string;
    file: string;
    firstIndex: number;
    lastIndex: number;
    attempts: number;
    sha256: string;
  }[];
const doneRuns = (workspace: string, id: string, count: number) =>
  until(async () => {
    const runs = await runsOf(workspace, id);
    return runs.filter(({ state }) => state === 'done').length >= count && runs.reverse();
  });
const dueNow = (id: string) => service.sql('UPDATE export_schedule SET due_at = now() WHERE id = $1', [id]);
const indexesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).index);
const upTo = (size: number) => Array.from({ length: size }, (_, n) => n);

describe('a schedule to a folder', () => {
  it('puts what is new, with a manifest, each time from where it ended', async () => {
    const workspace = v7();
    await tell(workspace);
    const { id } = await make(workspace);
    await doneRuns(workspace, id, 1);
    await tell(workspace);
    await dueNow(id);
    const runs = await doneRuns(workspace, id, 2);
    const folder = path.join(root, workspace, 'siem/log');
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(
      runs.flatMap(({ file }) => [path.basename(file), `${path.basename(file)}.manifest.json`]).sort(),
    );
    const texts = await Promise.all(runs.map(({ file }) => readFile(path.join(root, file), 'utf8')));
    expect(indexesOf(texts.join(''))).toEqual(upTo((runs.at(-1)?.lastIndex ?? 0) + 1));
    for (const [n, { file, firstIndex, lastIndex, sha256 }] of runs.entries()) {
      const digest = createHash('sha256')
        .update(texts[n] ?? '')
        .digest('hex');
      const manifest = JSON.parse(await readFile(path.join(root, `${file}.manifest.json`), 'utf8'));
      expect(digest).toBe(sha256);
      expect(manifest).toMatchObject({
        workspace,
        schedule: id,
        file: path.basename(file),
        firstIndex,
        lastIndex,
        entries: lastIndex - firstIndex + 1,
        bytes: Buffer.byteLength(texts[n] ?? ''),
        sha256,
        treeSize: lastIndex + 1,
      });
      expect(manifest.checkpoint).toMatch(new RegExp(`^countersign/${workspace}\n${lastIndex + 1}\n`));
    }
  });

  it('makes no file when nothing happened but exports', async () => {
    const workspace = v7();
    await tell(workspace);
    const { id } = await make(workspace);
    await doneRuns(workspace, id, 1);
    // Of the log it has not: that it was exported. Nothing else has happened.
    await dueNow(id);
    await until(async () => {
      const [row] = await service.sql('SELECT 1 FROM export_schedule WHERE id = $1 AND due_at > now()', [id]);
      return row !== undefined;
    });
    expect(await runsOf(workspace, id)).toHaveLength(1);
  });

  it('goes on with the very same run after a crash, whatever has happened since', async () => {
    const workspace = v7();
    await tell(workspace);
    const { id } = await make(workspace);
    const [first] = await doneRuns(workspace, id, 1);
    // As if the process had died after it put the file and before it could say so.
    await service.sql(`UPDATE export_run SET state = 'running', ended_at = NULL WHERE schedule_id = $1`, [
      id,
    ]);
    await service.sql(
      `UPDATE export_schedule SET next_index = 0, lease = gen_random_uuid(), lease_until = now() - interval '1 second', due_at = now() WHERE id = $1`,
      [id],
    );
    await tell(workspace);
    await until(async () =>
      (await runsOf(workspace, id)).some(({ state, attempts }) => state === 'done' && attempts === 2),
    );
    await dueNow(id);
    const runs = await doneRuns(workspace, id, 2);
    expect(runs[0]).toMatchObject({ file: first?.file, sha256: first?.sha256, attempts: 2 });
    const texts = await Promise.all(runs.map(({ file }) => readFile(path.join(root, file), 'utf8')));
    expect(indexesOf(texts.join(''))).toEqual(upTo((runs.at(-1)?.lastIndex ?? 0) + 1));
  });

  it('tells of a failure, and goes on when the folder is there again', async () => {
    const workspace = v7();
    await tell(workspace);
    const away = path.join(dir, 'away');
    await rename(root, away);
    const { id } = await make(workspace);
    const failed = await until(async () => {
      const { body } = await service.get(`${base}/${id}`, { workspace });
      return body.failures > 0 && body;
    });
    expect(failed).toMatchObject({
      failures: 1,
      lastError: 'the folder for exports is not there',
      nextIndex: 0,
    });
    const { body } = await service.get('/v1/audit/entries?type=export_schedule.failed', { workspace });
    expect(body.data[0].content).toMatchObject({ scheduleId: id, reason: 'unavailable' });
    expect((await service.get('/metrics')).text).toMatch(
      /countersign_export_runs_total\{outcome="failed"\} [1-9]/,
    );
    await rename(away, root);
    await dueNow(id);
    const [run] = await doneRuns(workspace, id, 1);
    expect([run?.attempts, run?.firstIndex]).toEqual([2, 0]);
    expect((await service.get(`${base}/${id}`, { workspace })).body).toMatchObject({
      failures: 0,
      lastError: null,
    });
  });
});

describe('a schedule to a bucket', () => {
  it('puts file and manifest there', async () => {
    const workspace = v7();
    await tell(workspace);
    const { id } = await make(workspace, { format: 'csv', target: { type: 'bucket' } });
    const [run] = await doneRuns(workspace, id, 1);
    const text = await (await fetch(`${bucket}/exports/${run?.file}`)).text();
    expect(createHash('sha256').update(text).digest('hex')).toBe(run?.sha256);
    expect((await fetch(`${bucket}/exports/${run?.file}.manifest.json`)).status).toBe(200);
  });
});

describe('schedules by API', () => {
  it.each([
    [{ every: 'PT1S' }, '/every'],
    [{ every: 'P1M' }, '/every'],
    [{ every: 'daily' }, '/every'],
    [{ format: 'xml' }, '/format'],
    [{ target: { type: 'folder', path: '../other' } }, '/target/path'],
    [{ target: { type: 'folder', path: '/etc' } }, '/target/path'],
    [{ target: { type: 'ftp', path: '' } }, '/target/type'],
    [{ filter: { colour: 'red' } }, '/filter/colour'],
  ])('refuse %j', async (changes, pointer) => {
    const { status, body } = await service.call('POST', base, { ...wanted, ...changes });
    expect([status, body.errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it('are shown, changed and removed by their own workspace only, and each change is in the log', async () => {
    const workspace = v7();
    const { id } = await make(workspace, { name: 'one' });
    expect((await service.get(`${base}/${id}`)).status).toBe(404);
    expect((await service.get(base, { workspace })).body.data.map((one: { id: string }) => one.id)).toEqual([
      id,
    ]);
    expect((await service.get(base, { workspace, scopes: ['audit:read'] })).status).toBe(403);
    const stale = await service.call(
      'PATCH',
      `${base}/${id}`,
      { state: 'paused' },
      { workspace, headers: { 'if-match': '"9"' } },
    );
    expect(stale.status).toBe(412);
    const paused = await service.call(
      'PATCH',
      `${base}/${id}`,
      { state: 'paused', every: 'P1D' },
      { workspace },
    );
    expect(paused.body).toMatchObject({
      state: 'paused',
      every: 'P1D',
      name: 'one',
      version: 2,
      nextRunAt: null,
    });
    expect((await service.call('DELETE', `${base}/${id}`, undefined, { workspace })).status).toBe(204);
    expect((await service.get(`${base}/${id}`, { workspace })).status).toBe(404);
    const { body } = await service.get('/v1/audit/entries', { workspace });
    const types = body.data
      .map(({ type }: { type: string }) => type)
      .filter((type: string) => type !== 'audit.exported');
    expect(types).toEqual(['export_schedule.created', 'export_schedule.changed', 'export_schedule.deleted']);
  });
});
