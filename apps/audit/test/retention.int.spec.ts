import { urlAs } from '@countersign/persistence';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import pg from 'pg';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { answerParts } from './erasing-services';
import { mailEnded, workflowPublished } from './fact-messages';
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

  it('does not prune the reason of a hold for as long as it holds', async () => {
    const workspace = v7();
    const person = {
      ...alice,
      id: v7(),
      userName: 'held@example.com',
      externalId: null,
      active: true,
      version: 1,
    };
    const known = {
      ...service.message('directory.changed.v1', {
        people: [
          { ...person, department: null, region: null, approvalLimit: null, groups: [], manager: null },
        ],
        deleted: [],
      }),
      workspaceId: workspace,
    };
    await service.send(known);
    await service.handled(known);
    const hold = await service.call(
      'POST',
      '/v1/audit/holds',
      { reason: 'Case 9', subject: person.id },
      { workspace },
    );
    expect(hold.status).toBe(201);
    await service.sql(`UPDATE entry SET at = at - interval '100 days' WHERE workspace_id = $1`, [workspace]);
    const stories = Array.from({ length: 33 }, () => storyOfOld(workspace, 90));
    await take(...stories);
    await keep(workspace, 'P30D');
    await sweepUntil(workspace, async () => {
      const open = await service.sql(
        `SELECT 1 FROM erasure_request WHERE workspace_id = $1 AND state <> 'done'`,
        [workspace],
      );
      return open.length === 0 && (await isErased(workspace, stories[32]!.requestId));
    });
    await service.sql('UPDATE retention SET due_at = now() WHERE workspace_id = $1', [workspace]);
    await until(
      async () =>
        (await service.sql('SELECT 1 FROM retention WHERE workspace_id = $1 AND due_at > now()', [workspace]))
          .length > 0,
    );
    expect(await prunedBefore(workspace)).toBe(0);
    expect((await service.get(`/v1/audit/holds/${hold.body.id}`, { workspace })).body.reason).toBe('Case 9');
    await service.call('DELETE', `/v1/audit/holds/${hold.body.id}`, undefined, { workspace });
    await sweepUntil(workspace, async () => (await prunedBefore(workspace)) === 256);
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

  it('erases what is about no request by an erasure that the log tells of', async () => {
    const workspace = v7();
    const at = new Date(Date.now() - 100 * 86_400_000).toISOString();
    const [old, young] = [at, new Date().toISOString()].map((when) =>
      workflowPublished(service, workspace, {
        workflowKey: 'travel',
        userId: alice.id,
        note: 'a note',
        at: when,
      }),
    );
    await service.send(old!, young!);
    await service.handled(old!, young!);
    await keep(workspace, 'P30D');
    const entries = await sweepUntil(workspace, async () => {
      const all = await everyEntry(workspace);
      return all.some(({ type }) => type === 'erasure.completed') && all;
    });
    expect((entries || []).slice(0, 2).map(({ sealed }) => sealed.map(({ data }) => data))).toEqual([
      [null],
      [{ note: 'a note' }],
    ]);
    const { body } = await service.get('/v1/audit/erasures', { workspace });
    expect(body.data).toMatchObject([{ subject: null, state: 'done', sealed: 1, requests: { total: 0 } }]);
    expect(
      (entries || [])
        .filter(({ type }) => type.startsWith('erasure.'))
        .map(({ type, content }) => [type, content]),
    ).toEqual([
      ['erasure.requested', expect.objectContaining({ erasureId: body.data[0].id, because: 'retention' })],
      ['erasure.completed', expect.objectContaining({ erasureId: body.data[0].id, sealed: 1 })],
    ]);
  });

  it('finds what grows old later, without looking at everything again', async () => {
    const workspace = v7();
    // Its last word is so many days old in a few seconds.
    const almostOf = (days: number, workflowKey?: string) =>
      storyOfOld(
        workspace,
        days - (Date.now() + 8_000 - Date.parse('2026-11-21T09:00:04Z')) / 86_400_000,
        workflowKey,
      );
    const [almost, old, other] = [almostOf(30), storyOfOld(workspace, 31), almostOf(31, 'travel')];
    await take(almost, old, other);
    const note = workflowPublished(service, workspace, {
      workflowKey: 'purchase-order',
      userId: alice.id,
      note: 'a note',
      at: new Date(Date.now() - 100 * 86_400_000).toISOString(),
    });
    await service.send(note);
    await service.handled(note);
    await keep(workspace, 'P30D', { travel: 'P31D' });
    await sweepUntil(workspace, () => isErased(workspace, old.requestId));
    const progress = async () =>
      (
        await service.sql<{ cursor: string; size: string }>(
          `SELECT cursor, (SELECT max(index) FROM entry WHERE workspace_id = $1) AS size FROM retention WHERE workspace_id = $1`,
          [workspace],
        )
      )[0];
    // All that there is has been looked at, and will not be again.
    await sweepUntil(workspace, async () => {
      const { cursor, size } = (await progress())!;
      return cursor === size;
    });
    await service.sql(`UPDATE sealed SET salt = '\\x00' WHERE workspace_id = $1 AND kind = 'words'`, [
      workspace,
    ]);
    expect(await isErased(workspace, almost.requestId)).toBe(false);
    await sweepUntil(workspace, () => isErased(workspace, almost.requestId));
    await sweepUntil(workspace, () => isErased(workspace, other.requestId));
    const erased = await service.sql(
      'SELECT DISTINCT request_id FROM erasure_request WHERE workspace_id = $1',
      [workspace],
    );
    expect(erased.length).toBe(3);
    const untouched = await service.sql(
      `SELECT 1 FROM sealed WHERE workspace_id = $1 AND kind = 'words' AND salt IS NOT NULL`,
      [workspace],
    );
    expect(untouched.length).toBe(1);
  });

  it('leaves the log to the process that is at it, and rests meanwhile', async () => {
    const workspace = v7();
    await take(storyOfOld(workspace, 100));
    await keep(workspace, 'P30D');
    const other = new pg.Client({ connectionString: service.ownerUrl, options: '-c search_path=audit' });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query(`UPDATE retention SET due_at = now() - interval '1 hour' WHERE workspace_id = $1`, [
        workspace,
      ]);
      await other.query('COMMIT');
      await other.query('BEGIN');
      await other.query('SELECT FROM retention WHERE workspace_id = $1 FOR UPDATE', [workspace]);
      const transactions = async () => {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        const [row] = await service.sql<{ count: string }>(
          'SELECT xact_commit AS count FROM pg_stat_database WHERE datname = current_database()',
        );
        return Number(row?.count);
      };
      const before = await transactions();
      expect((await transactions()) - before).toBeLessThan(300);
    } finally {
      await other.end();
    }
    await sweepUntil(
      workspace,
      async () => (await service.sql('SELECT FROM erasure WHERE workspace_id = $1', [workspace])).length > 0,
    );
  });

  it('goes on with other workspaces while one fails, and with that one once it can', async () => {
    const [broken, sound] = [v7(), v7()];
    const stories = [storyOfOld(broken, 100), storyOfOld(sound, 100)] as const;
    await take(...stories);
    await keep(broken, 'P30D');
    await service.sql(
      `UPDATE retention SET keep = 'no duration', due_at = '2000-01-01' WHERE workspace_id = $1`,
      [broken],
    );
    await keep(sound, 'P30D');
    await sweepUntil(sound, () => isErased(sound, stories[1].requestId));
    expect(await isErased(broken, stories[0].requestId)).toBe(false);
    await service.sql(`UPDATE retention SET keep = 'P30D' WHERE workspace_id = $1`, [broken]);
    await sweepUntil(broken, () => isErased(broken, stories[0].requestId));
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

  it('on a workflow covers what is about none of its requests, such as a note to a publication', async () => {
    const workspace = v7();
    const told = workflowPublished(service, workspace, {
      workflowKey: 'travel',
      userId: alice.id,
      note: 'a note',
      at: new Date().toISOString(),
    });
    await service.send(told);
    await service.handled(told);
    const hold = await service.call(
      'POST',
      '/v1/audit/holds',
      { reason: 'Case 7', workflow: 'travel' },
      { workspace },
    );
    const erasure = await service.call(
      'POST',
      '/v1/audit/erasures',
      { subject: alice.id, reason: 'x' },
      { workspace },
    );
    expect(erasure.body).toMatchObject({ state: 'held', heldBy: [hold.body.id] });
    expect((await everyEntry(workspace))[0]?.sealed[0]?.data).toEqual({ note: 'a note' });
    await service.call('DELETE', `/v1/audit/holds/${hold.body.id}`, undefined, { workspace });
    await until(async () => (await everyEntry(workspace))[0]?.sealed[0]?.data === null);
  });

  it('is of one thing, which the log must know', async () => {
    const place = (body: object) => service.call('POST', '/v1/audit/holds', { reason: 'x', ...body });
    expect((await place({ requestId: v7() })).body.code).toBe('unknown_reference');
    const { body } = await place({ workflow: 'no-such-workflow' });
    expect([body.code, body.errors[0].pointer]).toEqual(['unknown_reference', '/workflow']);
    expect((await place({ requestId: v7(), workflow: 'x' })).body.code).toBe('validation_failed');
    expect((await place({ reason: '' })).body.code).toBe('validation_failed');
    expect((await service.call('DELETE', `/v1/audit/holds/${v7()}`)).status).toBe(404);
  });
});
