import { createHash } from 'node:crypto';
import { until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from '../../test/create-audit';
import { download, open, readAll, type Download } from '../../test/download';
import { fillLog } from '../../test/fill-log';
import { leafHashOf, openCheckpoint, rootOf, type ApiEntry } from '../../test/log-verifier';
import { readCsv, unmarked } from '../../test/read-csv';
import { alice, bob, personalWords, storyOf } from '../../test/transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const linesOf = ({ text }: Download): ApiEntry[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const tell = async (workspace: string, ...workflows: string[]) => {
  const stories = workflows.map((workflow) => storyOf(workspace, workflow));
  const messages = stories.flatMap((story) => story.messages);
  await service.send(...messages);
  await service.handled(...messages);
  return stories;
};
const checkpointOf = ({ headers }: Download): string =>
  Buffer.from(String(headers['countersign-checkpoint']), 'base64').toString('utf8');

describe('an export', () => {
  const workspace = v7();
  let requestIds: string[];
  beforeAll(async () => {
    requestIds = (await tell(workspace, 'purchase-order', 'travel')).map(({ requestId }) => requestId);
  });

  it('as NDJSON has the entries of GET /v1/audit/entries, and is verified by the checkpoint that comes with it', async () => {
    const page = await service.get('/v1/audit/entries?limit=200', { workspace });
    const exported = await download(service, '/v1/audit/export?format=ndjson', { workspace });
    expect(exported).toMatchObject({ status: 200, complete: true });
    expect(exported.headers['content-type']).toBe('application/x-ndjson');
    const entries = linesOf(exported);
    expect(entries).toEqual(page.body.data);
    const key = await service.get('/v1/audit/verifier-key', { workspace });
    const hashes = entries.map((entry) => Buffer.from(leafHashOf(entry), 'base64'));
    expect(openCheckpoint(checkpointOf(exported), key.text)).toEqual({
      origin: `countersign/${workspace}`,
      size: entries.length,
      root: rootOf(hashes).toString('base64'),
    });
    expect(exported.headers['countersign-tree-size']).toBe(String(entries.length));
  });

  it('tells in trailers that it is complete: how many entries, up to which index, with which digest', async () => {
    const { headers, trailers, text } = await download(service, '/v1/audit/export?after=2', { workspace });
    const size = Number(headers['countersign-tree-size']);
    expect(headers.trailer).toBe('countersign-export-entries, countersign-export-last-index, content-digest');
    expect(trailers).toEqual({
      'countersign-export-entries': String(size - 3),
      'countersign-export-last-index': String(size - 1),
      'content-digest': `sha-256=:${createHash('sha256').update(text).digest('base64')}:`,
    });
  });

  it('as CSV says the same, a record on each line', async () => {
    const entries = linesOf(await download(service, '/v1/audit/export', { workspace }));
    const csv = await download(service, '/v1/audit/export?format=csv', { workspace });
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    const [names = [], ...records] = readCsv(csv.text);
    expect(csv.text.split('\n').length).toBe(records.length + 2);
    const read = records.map((record) => {
      const field = (name: string) => unmarked(record[names.indexOf(name)] ?? '');
      return {
        index: Number(field('index')),
        id: field('id'),
        type: field('type'),
        at: field('at'),
        requestId: field('request_id') || null,
        requestVersion: Number(field('request_version')) || null,
        content: JSON.parse(field('content')),
        sealed: JSON.parse(field('sealed')),
        leafHash: field('leaf_hash'),
      };
    });
    // The one that asked for the NDJSON is in it as well.
    expect(read.slice(0, -1)).toEqual(entries);
    expect(read.at(-1)).toMatchObject({ index: entries.length, type: 'audit.exported', requestId: null });
  });

  it('as OCSF has an event for each entry', async () => {
    const entries = linesOf(await download(service, '/v1/audit/export', { workspace }));
    const ocsf = await download(service, '/v1/audit/export?format=ocsf', { workspace });
    const events = ocsf.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(events.slice(0, -1).map(({ metadata }) => metadata.uid)).toEqual(entries.map(({ id }) => id));
    expect(events[0]).toMatchObject({ class_uid: 3004, type_uid: 300401, unmapped: { index: 0 } });
  });

  it.each([
    () => `requestId=${requestIds[1]}`,
    () => `actor=${bob.id}`,
    () => 'type=task.decided',
    () => 'from=2026-11-21T09:00:03Z&to=2026-11-21T09:00:04Z',
    () => `actor=${bob.id}&type=stage.ended`,
    () => 'actor=0192f3a4-7b1c-7d10-8000-00000000dead',
  ])('takes the filters of the entries (%#)', async (query) => {
    const page = await service.get(`/v1/audit/entries?limit=200&${query()}`, { workspace });
    const exported = await download(service, `/v1/audit/export?${query()}`, { workspace });
    expect(linesOf(exported)).toEqual(page.body.data);
    expect(exported.complete).toBe(true);
  });

  it('can be of one workflow, and for a key that is limited to some is of those', async () => {
    const travel = linesOf(await download(service, '/v1/audit/export?workflow=travel', { workspace }));
    expect(new Set(travel.map(({ requestId }) => requestId))).toEqual(new Set([requestIds[1]]));
    expect(travel.length).toBe(8);
    const limited = { workspace, workflows: ['travel'] };
    expect(linesOf(await download(service, '/v1/audit/export', limited))).toEqual(travel);
    const refused = await service.get('/v1/audit/export?workflow=purchase-order', limited);
    expect([refused.status, refused.body.code]).toEqual([403, 'workflow_not_allowed']);
  });

  it('goes on after an index: two parts are the whole', async () => {
    const whole = linesOf(await download(service, '/v1/audit/export', { workspace }));
    const size = whole.length;
    const rest = linesOf(await download(service, '/v1/audit/export?after=5', { workspace }));
    expect(rest.slice(0, size - 6)).toEqual(whole.slice(6));
  });

  it('is empty behind the end, and does not send the reader back to what it had', async () => {
    const beyond = await download(service, '/v1/audit/export?after=9999', { workspace });
    expect([beyond.status, beyond.complete, beyond.text]).toEqual([200, true, '']);
    expect(beyond.headers['content-disposition']).toBe('attachment; filename="audit-10000-10000.ndjson"');
    expect(Number(beyond.headers['countersign-tree-size'])).toBeLessThan(9999);
    expect(beyond.trailers).toMatchObject({
      'countersign-export-entries': '0',
      'countersign-export-last-index': '9999',
    });
  });

  it('has nothing of another workspace, and needs audit:read', async () => {
    const other = await download(service, '/v1/audit/export', { workspace: v7() });
    expect([other.text, other.headers['countersign-tree-size'], other.complete]).toEqual(['', '0', true]);
    expect((await download(service, '/v1/audit/export', { scopes: ['requests:read'] })).status).toBe(403);
  });

  it.each(['format=xml', 'after=x', 'after=-2', 'from=yesterday', 'colour=red', 'limit=5'])(
    'refuses %s',
    async (query) => expect((await service.get(`/v1/audit/export?${query}`)).status).toBe(400),
  );
});

describe('the entry about an export', () => {
  it('says who asked for what, by codes and ids, and is the first entry that it does not have', async () => {
    const workspace = v7();
    await tell(workspace, 'travel');
    await service.sql(
      `INSERT INTO person (workspace_id, id, external_id, user_name, version, active, person) VALUES ($1, $2, null, $3, 1, true, $4)`,
      [workspace, alice.id, alice.userName, JSON.stringify({ ...alice, active: true, version: 1 })],
    );
    const query = `format=csv&after=1&actor=${encodeURIComponent(alice.userName)}&type=who+knows+Alice&from=2026-01-01T00:00:00Z`;
    const exported = await download(service, `/v1/audit/export?${query}`, {
      workspace,
      scopes: ['audit:read', 'act-as'],
      actor: alice.userName,
    });
    expect(exported.status).toBe(200);
    const all = linesOf(await download(service, '/v1/audit/export', { workspace }));
    const size = Number(exported.headers['countersign-tree-size']);
    expect(all.at(-1)).toMatchObject({ index: size, type: 'audit.exported', requestId: null, sealed: [] });
    expect(all.at(-1)?.content).toEqual({
      actor: { type: 'user', id: alice.id, via: '0192f3a4-7b1c-7d10-8000-0000000000aa' },
      keyId: '0192f3a4-7b1c-7d10-8000-0000000000aa',
      format: 'csv',
      fromIndex: 2,
      treeSize: size,
      filter: {
        from: '2026-01-01T00:00:00Z',
        to: null,
        requestId: null,
        actorId: alice.id,
        via: null,
        type: `sha256:${createHash('sha256').update('who knows Alice').digest('hex')}`,
        workflow: null,
      },
      allowedWorkflows: null,
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      scheme: null,
    });
    for (const word of [...personalWords, 'Alice']) expect(JSON.stringify(all.at(-1))).not.toContain(word);
    for (const entry of all) expect(leafHashOf(entry)).toBe(entry.leafHash);
  });

  it('is not made for HEAD, which exports nothing', async () => {
    const workspace = v7();
    await tell(workspace, 'travel');
    const head = await download(service, '/v1/audit/export', { workspace, method: 'HEAD' });
    expect([head.status, head.headers['countersign-tree-size'], head.text]).toEqual([200, '8', '']);
    expect((await service.get('/v1/audit/entries', { workspace })).body.data).toHaveLength(8);
  });
});

describe('a long export', () => {
  const entries = 30_000;
  const workspace = v7();
  beforeAll(() => fillLog(service, { workspace, entries, words: 200, sealed: 50 }), 60_000);

  const openTransactions = async (): Promise<number> =>
    (
      await service.sql(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'audit' AND xact_start IS NOT NULL`,
      )
    ).length;

  it('comes whole, in order, and ends where the log ended when it began', async () => {
    const exported = await download(service, '/v1/audit/export', { workspace });
    const indexes = linesOf(exported).map(({ index }) => index);
    expect(indexes).toEqual(Array.from({ length: entries }, (_, n) => n));
    expect(exported.trailers['countersign-export-last-index']).toBe(String(entries - 1));
  }, 60_000);

  it('finds what little a filter leaves, wherever it is', async () => {
    const [row] = await service.sql<{ id: string }>(
      'SELECT request_id AS id FROM entry WHERE workspace_id = $1 AND index = 29000',
      [workspace],
    );
    const exported = await download(service, `/v1/audit/export?requestId=${row?.id}`, { workspace });
    expect(linesOf(exported).map(({ index }) => index)).toEqual(
      Array.from({ length: 10 }, (_, n) => 29_000 + n),
    );
  });

  it('of every second entry has what is sealed with each', async () => {
    const exported = await download(service, '/v1/audit/export?workflow=travel', { workspace });
    expect(linesOf(exported).map(({ index, sealed }) => [index, sealed.length])).toEqual(
      Array.from({ length: entries / 2 }, (_, n) => [n * 2, 1]),
    );
  });

  it('waits for a caller that reads slowly, without a transaction, and stops when it hangs up', async () => {
    const waiting = await Promise.all(
      Array.from({ length: 4 }, () => open(service, '/v1/audit/export', { workspace })),
    );
    await until(async () => (await openTransactions()) === 0);
    const refused = await service.get('/v1/audit/export', { workspace });
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(refused.headers.get('retry-after')).toBe('10');
    // Others have room.
    expect((await download(service, '/v1/audit/export', { workspace: v7() })).status).toBe(200);
    const [gone, ...patient] = waiting;
    gone?.destroy();
    const again = await until(async () => {
      const answer = await open(service, '/v1/audit/export', { workspace });
      return answer.statusCode === 200 ? answer : (answer.resume(), null);
    });
    again.destroy();
    for (const answer of patient) {
      const { complete, text } = await readAll(answer);
      expect([complete, text.split('\n').length > entries]).toEqual([true, true]);
    }
  }, 60_000);

  it('is cut off when an entry is missing, after all before it', async () => {
    const broken = v7();
    await fillLog(service, { workspace: broken, entries: 20_000 });
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index = 15000', [broken]);
    const exported = await download(service, '/v1/audit/export', { workspace: broken });
    expect(exported).toMatchObject({ status: 200, complete: false, trailers: {} });
    expect(exported.text).not.toContain('"index":15001');
  }, 60_000);

  it('begins where a log begins that was pruned', async () => {
    const pruned = v7();
    await fillLog(service, { workspace: pruned, entries: 2_000 });
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < 512', [pruned]);
    // Not as long as nobody has said that they were pruned: then they are missing.
    expect((await download(service, '/v1/audit/export', { workspace: pruned })).complete).toBe(false);
    await service.sql('UPDATE log_head SET first_index = 512, pruned_at = now() WHERE workspace_id = $1', [
      pruned,
    ]);
    const exported = await download(service, '/v1/audit/export', { workspace: pruned });
    expect([exported.complete, exported.headers['countersign-first-index']]).toEqual([true, '512']);
    // And one more entry: that the first was asked for.
    expect(linesOf(exported).length).toBe(2_000 - 512 + 1);
  });

  it.each(['', '?type=task.reminded'])(
    'is cut off when something is pruned before it was read (%j)',
    async (query) => {
      const pruned = v7();
      await fillLog(service, { workspace: pruned, entries: 20_000, words: 1_000 });
      const answer = await open(service, `/v1/audit/export${query}`, { workspace: pruned });
      await until(async () => (await openTransactions()) === 0);
      const before = 19_968;
      await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < $2', [pruned, before]);
      await service.sql('UPDATE log_head SET first_index = $2, pruned_at = now() WHERE workspace_id = $1', [
        pruned,
        before,
      ]);
      expect((await readAll(answer)).complete).toBe(false);
      // What is left comes whole.
      const again = await download(service, `/v1/audit/export${query}`, { workspace: pruned });
      expect([again.complete, linesOf(again)[0]?.index]).toEqual([true, before]);
    },
    60_000,
  );

  it('has large entries one by one', async () => {
    const large = v7();
    await fillLog(service, { workspace: large, entries: 40, words: 300_000, sealed: 400_000 });
    const exported = await download(service, '/v1/audit/export', { workspace: large });
    expect(exported.complete).toBe(true);
    expect(linesOf(exported).map(({ index, sealed }) => [index, String(sealed[0]?.data).length])).toEqual(
      Array.from({ length: 40 }, (_, n) => [n, 400_000]),
    );
  }, 60_000);

  it('is cut off when the service stops', async () => {
    const answer = await open(service, '/v1/audit/export', { workspace });
    await service.restart();
    expect((await readAll(answer)).complete).toBe(false);
    expect((await download(service, '/v1/audit/export?after=29990', { workspace })).complete).toBe(true);
  }, 60_000);
});
