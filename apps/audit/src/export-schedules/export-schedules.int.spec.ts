import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { UnitOfWork } from '@countersign/messaging';
import { FolderStore } from '@countersign/object-store';
import { Database, urlAs } from '@countersign/persistence';
import { SecretBox } from '@countersign/secret-box';
import { secretKey, until as untilWithin, type TestService } from '@countersign/service-kit/test';
import S3rver from 's3rver';
import { v7 } from 'uuid';
import { createAudit } from '../../test/create-audit';
import { fillLog } from '../../test/fill-log';
import { storyOf } from '../../test/transitions';
import { AuditLog } from '../log/audit-log';
import { runSchedule } from './run-schedule';
import { insertSchedule, renewLease } from './schedule.rows';

jest.setTimeout(120_000);
/** Schedules are run one after the other, and a long log takes its time on a busy machine. */
const until = <T>(look: () => Promise<T>) => untilWithin(look, 50_000);

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
    error: string | null;
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

const failuresIn = async (workspace: string): Promise<object[]> =>
  (await service.get('/v1/audit/entries?type=export_schedule.failed', { workspace })).body.data.map(
    ({ content }: { content: object }) => content,
  );
const prune = async (workspace: string, before: number) => {
  await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < $2', [workspace, before]);
  await service.sql('UPDATE log_head SET first_index = $2, pruned_at = now() WHERE workspace_id = $1', [
    workspace,
    before,
  ]);
};

/** A schedule to a folder that a process of the test has taken; `run` lets it do one run with what it puts passing through. */
const takeSchedule = async (workspace: string, filter: object = {}) => {
  const [id, lease] = [v7(), v7()];
  const connect = (role: string) =>
    Database.connect({
      url: urlAs(service.ownerUrl, secretKey, role),
      schema: 'audit',
      poolSize: 2,
      applicationName: 'test',
    });
  const [own, relay] = await Promise.all([connect('countersign_audit'), connect('countersign_audit_relay')]);
  // Nothing is sent here.
  const unitOfWork: UnitOfWork = (workspaces, work) =>
    own.transaction(workspaces, (sql) =>
      work({ ...sql, publish: () => undefined, afterCommit: () => undefined }),
    );
  await own.transaction([workspace], async (tx) => {
    await insertSchedule(tx, {
      id,
      workspaceId: workspace,
      name: 'taken',
      format: 'ndjson',
      every: 'PT1H',
      everySeconds: 3_600,
      filter: { ...filter, allowed: null },
      target: { type: 'folder', path: '' },
      nextIndex: 0,
      keyId: 'key-1',
    });
    await tx.query(
      `UPDATE export_schedule SET lease = $2, lease_until = now() + interval '1 hour' WHERE id = $1`,
      [id, lease],
    );
  });
  const run = async (through: (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer>) => {
    const store = new FolderStore(root);
    const get = () => ({
      put: (key: string, chunks: AsyncIterable<Buffer>) => store.put(key, through(chunks)),
    });
    const log = new AuditLog(SecretBox.fromKey(secretKey));
    try {
      return await runSchedule(
        { log, database: own, unitOfWork, stores: { get } },
        {
          id,
          workspaceId: workspace,
          lease,
          renew: () => relay.everywhere((sql) => renewLease(sql, id, lease)),
          stop: new AbortController().signal,
        },
      );
    } finally {
      await Promise.all([own.close(), relay.close()]);
    }
  };
  return { id, run };
};

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

describe('a run', () => {
  it('that a restart comes in the middle of has not failed: it is gone on with at once', async () => {
    const workspace = v7();
    await fillLog(service, { workspace, entries: 40_000, words: 200 });
    const { id } = await make(workspace);
    const folder = path.join(root, workspace, 'siem/log');
    await until(async () => (await readdir(folder).catch(() => [])).some((name) => name.endsWith('.part')));
    await service.restart();
    const [run] = await doneRuns(workspace, id, 1);
    expect(run).toMatchObject({ attempts: 2, firstIndex: 0 });
    expect(await failuresIn(workspace)).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('whose beginning was pruned ends, and the schedule goes on with what is left', async () => {
    const workspace = v7();
    await fillLog(service, { workspace, entries: 2_000 });
    const away = path.join(dir, 'away');
    await rename(root, away);
    const { id } = await make(workspace);
    await until(async () => (await service.get(`${base}/${id}`, { workspace })).body.failures > 0);
    await prune(workspace, 512);
    await rename(away, root);
    await dueNow(id);
    const [failed, done] = await doneRuns(workspace, id, 1);
    const why = 'The entries 0 to 511 were pruned before they were exported.';
    expect(failed).toMatchObject({ state: 'failed', firstIndex: 0, error: why });
    expect(done).toMatchObject({ state: 'done', firstIndex: 512, attempts: 1 });
    expect(indexesOf(await readFile(path.join(root, done?.file ?? ''), 'utf8'))[0]).toBe(512);
    expect(await failuresIn(workspace)).toMatchObject([
      { scheduleId: id, reason: 'unavailable' },
      { scheduleId: id, reason: 'pruned', firstIndex: 0, lastIndex: 511 },
    ]);
    // One that is made now misses nothing of it.
    const later = await make(workspace, { name: 'later' });
    expect(later.nextIndex).toBe(512);
  });

  it('of which something is pruned while it is read ends as well, with a filter too', async () => {
    const workspace = v7();
    await fillLog(service, { workspace, entries: 10_000 });
    const process = await takeSchedule(workspace, { type: 'task.reminded' });
    let isPruned = false;
    const outcome = await process.run(async function* (chunks) {
      for await (const chunk of chunks) {
        yield chunk;
        if (!isPruned) await prune(workspace, 9_984);
        isPruned = true;
      }
    });
    expect(outcome).toBe('failed');
    const runs = await doneRuns(workspace, process.id, 1);
    expect(runs.map(({ state, firstIndex }) => [state, firstIndex])).toEqual([
      ['failed', 0],
      ['done', 9_984],
    ]);
    expect(await failuresIn(workspace)).toMatchObject([
      { reason: 'pruned', firstIndex: 0, lastIndex: 9_983 },
    ]);
  });

  it('of a process that has lost its lease leaves the file of the one that took over', async () => {
    const workspace = v7();
    await tell(workspace);
    const process = await takeSchedule(workspace);
    const outcome = await process.run(async function* (chunks) {
      const all = chunks[Symbol.asyncIterator]();
      yield (await all.next()).value;
      // It sleeps for too long; meanwhile somebody is erased, and another process makes the file.
      await service.sql('UPDATE sealed SET salt = NULL, data = NULL WHERE workspace_id = $1', [workspace]);
      await service.sql(`UPDATE export_schedule SET lease_until = '-infinity' WHERE id = $1`, [process.id]);
      await doneRuns(workspace, process.id, 1);
      yield* { [Symbol.asyncIterator]: () => all };
    });
    expect(outcome).toBe('left');
    const [run] = await doneRuns(workspace, process.id, 1);
    const text = await readFile(path.join(root, run?.file ?? ''), 'utf8');
    expect(createHash('sha256').update(text).digest('hex')).toBe(run?.sha256);
    expect(text).toContain('"salt":null');
    expect(text).not.toContain('"salt":"');
    expect(await readdir(path.dirname(path.join(root, run?.file ?? '')))).toHaveLength(2);
    expect(await failuresIn(workspace)).toEqual([]);
  });

  it('has files of its own, whatever other schedules put into the same folder', async () => {
    const workspace = v7();
    await tell(workspace);
    const made = [
      await make(workspace),
      await make(workspace, { name: 'decisions', filter: { type: 'task.decided' } }),
    ];
    const runs = await Promise.all(made.map(({ id }) => doneRuns(workspace, id, 1)));
    for (const [n, { id }] of made.entries()) expect(runs[n]?.[0]?.file).toContain(`/audit-${id}-0`);
    const [all, decisions] = await Promise.all(
      runs.map(([run]) => readFile(path.join(root, run?.file ?? ''), 'utf8')),
    );
    expect(indexesOf(all ?? '').slice(0, 8)).toEqual(upTo(8));
    expect(indexesOf(decisions ?? '')).toHaveLength(1);
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

  it('are shown to a key that is limited to some workflows as far as they export nothing else', async () => {
    const workspace = v7();
    const limitedTo = (...workflows: string[]) => ({ workspace, workflows });
    const names = async (workflows: string[] | null) =>
      (await service.get(base, { workspace, workflows })).body.data.map(({ name }: { name: string }) => name);
    await make(workspace, { name: 'all' });
    const travel = await service.call('POST', base, { ...wanted, name: 'travel' }, limitedTo('travel'));
    expect(travel.status).toBe(201);
    expect(await names(null)).toEqual(['travel', 'all']);
    expect(await names(['travel'])).toEqual(['travel']);
    expect(await names(['purchase-order', 'travel'])).toEqual(['travel']);
    expect(await names(['purchase-order'])).toEqual([]);
    const refused = await service.get(`${base}/${travel.body.id}`, limitedTo('purchase-order'));
    expect([refused.status, refused.body.code]).toEqual([403, 'workflow_not_allowed']);
  });

  it('are told by a metric how far the one behind the others is', async () => {
    const workspace = v7();
    await fillLog(service, { workspace, entries: 3_000 });
    await service.restart({ COUNTERSIGN_EXPORT_DIR: path.join(dir, 'nowhere') });
    await make(workspace);
    await until(async () => {
      const { text } = await service.get('/metrics');
      return Number(/^countersign_export_waiting_entries (\d+)$/m.exec(text)?.[1]) >= 3_000;
    });
    await service.restart();
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
