import { urlAs } from '@countersign/persistence';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import pg from 'pg';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { answerParts } from './erasing-services';
import { mailEnded } from './fact-messages';
import { leafHashOf, rootOf, type ApiEntry } from './log-verifier';
import { storyOfOld } from './stories-of-old';
import { alice, storyOf, type Story } from './transitions';

jest.setTimeout(120_000);

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const take = async (...stories: Story[]): Promise<void> => {
  const messages = stories.flatMap((story) => story.messages);
  for (let at = 0; at < messages.length; at += 60) await service.send(...messages.slice(at, at + 60));
  await service.handled(...messages);
};

const everyEntry = async (workspace: string): Promise<ApiEntry[]> => {
  const entries: ApiEntry[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await service.get(`/v1/audit/entries?limit=200${cursor && `&cursor=${cursor}`}`, {
      workspace,
    });
    entries.push(...body.data);
    cursor = body.nextCursor;
  }
  return entries;
};

const keep = (workspace: string, keepFor: string | null, workflows: Record<string, string | null> = {}) =>
  service.call('PUT', '/v1/audit/retention', { default: keepFor, workflows }, { workspace });

/** Lets the services answer what retention has begun, and looks again at once; gives what is true by then. */
const sweepUntil = <T>(workspace: string, look: () => Promise<T>) =>
  until(async () => {
    for (const { id } of await service.sql<{ id: string }>(
      `SELECT id FROM erasure WHERE workspace_id = $1 AND state <> 'done'`,
      [workspace],
    ))
      await answerParts(service, id);
    await service.sql('UPDATE retention SET due_at = now() WHERE workspace_id = $1', [workspace]);
    return look();
  }, 60_000);

const prunedBefore = async (workspace: string): Promise<number> =>
  (await service.get('/v1/audit/retention', { workspace })).body.pruned?.before ?? 0;

const isErased = async (workspace: string, requestId: string): Promise<boolean> => {
  const rows = await service.sql(
    `SELECT 1 FROM sealed s JOIN entry e USING (workspace_id, index) WHERE s.workspace_id = $1 AND e.request_id = $2 AND s.salt IS NOT NULL`,
    [workspace, requestId],
  );
  return rows.length === 0;
};

describe('retention', () => {
  it('erases everybody in requests whose time is over, at the time of their own workflow', async () => {
    const workspace = v7();
    const [old, travel, young] = [
      storyOfOld(workspace, 400),
      storyOfOld(workspace, 400, 'travel'),
      storyOfOld(workspace, 40),
    ];
    await take(old, travel, young);
    expect((await keep(workspace, 'P1Y', { travel: null })).body).toMatchObject({
      default: 'P1Y',
      workflows: { travel: null },
      version: 1,
      pruned: null,
    });
    await sweepUntil(workspace, () => isErased(workspace, old.requestId));
    expect(await isErased(workspace, travel.requestId)).toBe(false);
    expect(await isErased(workspace, young.requestId)).toBe(false);
    const asked = await service.sent('subject.erase.v1');
    const own = asked.filter(({ workspaceId }) => workspaceId === workspace);
    expect(own.map(({ data }) => [data.subject, data.general, data.requests])).toEqual([
      [null, false, [{ id: old.requestId, isRequester: true }]],
    ]);
    const [snapshot] = await service.sql<{ text: string }>(
      'SELECT string_agg(snapshot::text, $2) AS text FROM transition WHERE request_id = $1',
      [old.requestId, ' '],
    );
    for (const word of ['lice', 'bob@', 'desk', 'expensive']) expect(snapshot?.text).not.toContain(word);
  });

  it('prunes a closed prefix of whole tiles, with its root in the log, and says what is gone', async () => {
    const workspace = v7();
    await take(...Array.from({ length: 70 }, () => storyOfOld(workspace, 100)));
    await take(storyOf(workspace));
    const before = await everyEntry(workspace);
    expect(before.length).toBe(568);
    await keep(workspace, 'P30D');
    await sweepUntil(workspace, async () => (await prunedBefore(workspace)) === 512);
    const { body } = await service.get('/v1/audit/entries?limit=200', { workspace });
    expect(body.pruned).toEqual({ before: 512, at: expect.any(String) });
    const left = await everyEntry(workspace);
    expect(left[0]?.index).toBe(512);
    for (const entry of left) expect(leafHashOf(entry)).toBe(entry.leafHash);
    const facts = left.filter(({ type }) => type === 'log.pruned').map(({ content }) => content);
    expect(facts.at(-1)).toMatchObject({
      size: 512,
      root: rootOf(before.slice(0, 512).map(({ leafHash }) => Buffer.from(leafHash, 'base64'))).toString(
        'base64',
      ),
    });
    const later = await service.get(
      `/v1/audit/entries?limit=1&cursor=${Buffer.from(JSON.stringify(['audit', '600'])).toString('base64url')}`,
      { workspace },
    );
    expect(later.body.pruned).toBeNull();
    const rows = await service.sql(
      `SELECT 1 FROM sealed WHERE workspace_id = $1 AND index < 512
       UNION ALL SELECT 1 FROM transition t WHERE workspace_id = $1 AND NOT EXISTS (SELECT FROM entry e WHERE e.workspace_id = $1 AND e.request_id = t.request_id)`,
      [workspace],
    );
    expect(rows).toEqual([]);
  });

  it('erases and prunes nothing that a hold covers, until it is released', async () => {
    const workspace = v7();
    const stories = Array.from({ length: 33 }, () => storyOfOld(workspace, 100));
    const [held] = stories;
    await take(...stories);
    const place = (body: object) =>
      service.call('POST', '/v1/audit/holds', { reason: 'Case 7', ...body }, { workspace });
    const hold = await place({ requestId: held!.requestId });
    expect(hold.status).toBe(201);
    await keep(workspace, 'P30D');
    await sweepUntil(workspace, () => isErased(workspace, stories[1]!.requestId));
    expect(await isErased(workspace, held!.requestId)).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await prunedBefore(workspace)).toBe(0);
    expect(
      (await service.call('DELETE', `/v1/audit/holds/${hold.body.id}`, undefined, { workspace })).status,
    ).toBe(204);
    await sweepUntil(workspace, async () => (await prunedBefore(workspace)) === 256);
    expect(await isErased(workspace, held!.requestId)).toBe(true);
  });

  it('keeps what a hold on its workflow covers, also of requests that others tell of', async () => {
    const workspace = v7();
    const [held, other] = [storyOfOld(workspace, 100, 'expenses'), storyOfOld(workspace, 100)];
    await take(held, other);
    const at = new Date(Date.now() - 99 * 86_400_000).toISOString();
    const ended = [held, other].map(({ requestId }) =>
      mailEnded(service, workspace, { requestId, userId: alice.id, email: alice.userName, at }),
    );
    await service.send(...ended);
    await service.handled(...ended);
    const body = { reason: 'Case 8', workflow: 'expenses' };
    expect((await service.call('POST', '/v1/audit/holds', body, { workspace })).status).toBe(201);
    await keep(workspace, 'P30D');
    await sweepUntil(workspace, () => isErased(workspace, other.requestId));
    expect(await isErased(workspace, held.requestId)).toBe(false);
    const rows = await service.sql(
      `SELECT 1 FROM erasure_request WHERE workspace_id = $1 AND request_id = $2`,
      [workspace, held.requestId],
    );
    expect(rows).toEqual([]);
    // The reason of a hold stays for as long as the hold does.
    const { body: holds } = await service.get('/v1/audit/holds', { workspace });
    expect(holds.data[0].reason).toBe('Case 8');
  });

  it('keeps a request that still runs, however old', async () => {
    const workspace = v7();
    const [running, ended] = [storyOfOld(workspace, 100), storyOfOld(workspace, 100)];
    running.messages.pop();
    await take(running, ended);
    await keep(workspace, 'P30D');
    await sweepUntil(workspace, () => isErased(workspace, ended.requestId));
    expect(await isErased(workspace, running.requestId)).toBe(false);
  });

  it('lets the role of the service prune by the one function only, which believes nothing', async () => {
    const workspace = v7();
    await take(...Array.from({ length: 70 }, () => storyOfOld(workspace, 100)));
    const app = new pg.Client({
      connectionString: urlAs(service.ownerUrl, secretKey, 'countersign_audit'),
      options: '-c search_path=audit',
    });
    const other = new pg.Client({
      connectionString: urlAs(service.ownerUrl, secretKey, 'countersign_audit'),
      options: '-c search_path=audit',
    });
    const relay = new pg.Client({
      connectionString: urlAs(service.ownerUrl, secretKey, 'countersign_audit_relay'),
      options: '-c search_path=audit',
    });
    await Promise.all([app.connect(), other.connect(), relay.connect()]);
    try {
      const prune = (client: pg.Client, asOf = 'now()') =>
        client.query(`SELECT prune_tile('${workspace}', ${asOf}) AS first`).then(({ rows }) => rows[0].first);
      await expect(prune(app)).rejects.toThrow('does not name this workspace');
      for (const client of [app, other]) await client.query(`SET app.workspaces = '${workspace}'`);
      await expect(app.query('DELETE FROM entry')).rejects.toThrow('permission denied');
      await expect(prune(relay)).rejects.toThrow('permission denied');
      await expect(prune(app, `now() + interval '1 day'`)).rejects.toThrow('before its time');
      // Without a retention, and then with one, while nothing has been erased yet.
      expect(await prune(app)).toBeNull();
      await service.sql(
        `INSERT INTO retention (workspace_id, keep, workflows, version, due_at) VALUES ($1, 'P30D', '{}', 1, now() + interval '1 day')`,
        [workspace],
      );
      expect(await prune(app)).toBeNull();
      await service.sql('UPDATE retention SET due_at = now() WHERE workspace_id = $1', [workspace]);
      await sweepUntil(workspace, async () => (await prunedBefore(workspace)) === 512);
      expect(await Promise.all([prune(app), prune(other)])).toEqual([null, null]);
    } finally {
      await Promise.all([app.end(), other.end(), relay.end()]);
    }
  });

  it('is a fact of the log, can be changed at its version only, and refuses accidents', async () => {
    const workspace = v7();
    expect((await service.get('/v1/audit/retention', { workspace })).body).toEqual({
      default: null,
      workflows: {},
      version: 0,
      pruned: null,
    });
    expect((await keep(workspace, 'P29D')).body.errors).toEqual([
      { pointer: '/default', message: 'Must be 30 days or more.' },
    ]);
    expect((await keep(workspace, 'P7Y', { travel: 'P1Y' })).status).toBe(200);
    const put = (version: number) =>
      service.call(
        'PUT',
        '/v1/audit/retention',
        { default: null, workflows: {} },
        { workspace, headers: { 'if-match': `"${version}"` } },
      );
    expect((await put(7)).body.code).toBe('version_mismatch');
    expect((await put(1)).headers.get('etag')).toBe('"2"');
    const facts = (await everyEntry(workspace)).map(({ type, content }) => [type, content.default]);
    expect(facts).toEqual([
      ['retention.changed', 'P7Y'],
      ['retention.changed', null],
    ]);
    expect(
      (await service.get('/v1/audit/retention', { workspace, scopes: ['webhooks:read'] })).body.code,
    ).toBe('insufficient_scope');
  });
});

describe('a legal hold', () => {
  it('keeps an erasure from anything, whatever of it is covered, until it is released', async () => {
    for (const [name, of] of [
      ['workspace', () => ({})],
      ['subject', () => ({ subject: alice.id })],
      ['request', (requestId: string) => ({ requestId })],
      ['workflow', () => ({ workflow: 'purchase-order' })],
    ] as [string, (requestId: string) => object][]) {
      const workspace = v7();
      const story = storyOf(workspace);
      await take(story, storyOf(workspace, 'travel'));
      const hold = await service.call(
        'POST',
        '/v1/audit/holds',
        { reason: 'Case 7', ...of(story.requestId) },
        { workspace },
      );
      expect([name, hold.status, hold.body.reason, hold.body.releasedAt]).toEqual([
        name,
        201,
        'Case 7',
        null,
      ]);
      const erasure = await service.call(
        'POST',
        '/v1/audit/erasures',
        { subject: alice.id, reason: 'x' },
        { workspace },
      );
      expect(erasure.body).toMatchObject({ state: 'held', heldBy: [hold.body.id] });
      expect(await isErased(workspace, story.requestId)).toBe(false);
      expect(
        (await service.sent('subject.erase.v1')).filter(({ workspaceId }) => workspaceId === workspace),
      ).toEqual([]);
      const release = () =>
        service.call('DELETE', `/v1/audit/holds/${hold.body.id}`, undefined, { workspace });
      expect([(await release()).status, (await release()).status]).toEqual([204, 204]);
      await sweepUntil(workspace, async () => {
        const { body } = await service.get(`/v1/audit/erasures/${erasure.body.id}`, { workspace });
        return body.state === 'done';
      });
      const facts = (await everyEntry(workspace)).map(({ type }) => type).slice(16);
      expect(facts).toEqual(['hold.placed', 'erasure.requested', 'hold.released', 'erasure.completed']);
      const { body } = await service.get('/v1/audit/holds', { workspace });
      expect(body.data).toMatchObject([
        { id: hold.body.id, releasedAt: expect.any(String), releasedBy: { type: 'service' } },
      ]);
    }
  }, 120_000);

  it('is of one thing, which the log must know', async () => {
    const place = (body: object) => service.call('POST', '/v1/audit/holds', { reason: 'x', ...body });
    expect((await place({ requestId: v7() })).body.code).toBe('unknown_reference');
    expect((await place({ requestId: v7(), workflow: 'x' })).body.code).toBe('validation_failed');
    expect((await place({ reason: '' })).body.code).toBe('validation_failed');
    expect((await service.call('DELETE', `/v1/audit/holds/${v7()}`)).status).toBe(404);
  });
});
