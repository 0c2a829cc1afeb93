import { urlAs } from '@countersign/persistence';
import { secretKey, type TestService } from '@countersign/service-kit/test';
import pg from 'pg';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { commitmentOf, leafHashOf, openCheckpoint, rootOf, type ApiEntry } from './log-verifier';
import { alice, bob, messageOf, payload, personalWords, storyOf } from './transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const everyEntry = async (query = '', workspace = service.workspaceId): Promise<ApiEntry[]> => {
  const entries: ApiEntry[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { status, body } = await service.get(
      `/v1/audit/entries?limit=200${query}${cursor ? `&cursor=${cursor}` : ''}`,
      { workspace },
    );
    expect(status).toBe(200);
    entries.push(...body.data);
    cursor = body.nextCursor;
  }
  return entries;
};

/** Does what an auditor does: everything from the entries, nothing believed. */
const verifyLog = async (workspace: string): Promise<ApiEntry[]> => {
  const entries = await everyEntry('', workspace);
  const note = await service.get('/v1/audit/checkpoint', { workspace });
  const key = await service.get('/v1/audit/verifier-key', { workspace });
  const checkpoint = openCheckpoint(note.text, key.text);
  expect(entries.map(({ index }) => index)).toEqual(entries.map((_, index) => index));
  for (const entry of entries) {
    expect(leafHashOf(entry)).toBe(entry.leafHash);
    for (const { salt, data, commitment } of entry.sealed)
      expect(commitmentOf(salt ?? '', data)).toBe(commitment);
  }
  const hashes = entries.map(({ leafHash }) => Buffer.from(leafHash, 'base64'));
  expect(checkpoint).toEqual({
    origin: `countersign/${workspace}`,
    size: entries.length,
    root: rootOf(hashes).toString('base64'),
  });
  return entries;
};

describe('an empty log', () => {
  it('has a signed checkpoint of size 0 that stays the same, and a key', async () => {
    const workspace = v7();
    const [first, second] = await Promise.all([
      service.get('/v1/audit/checkpoint', { workspace }),
      service.get('/v1/audit/checkpoint', { workspace }),
    ]);
    expect(first.headers.get('content-type')).toContain('text/plain');
    expect(first.text).toBe(second.text);
    expect(await verifyLog(workspace)).toEqual([]);
  });
});

describe('the log', () => {
  it('keeps each fact of a request once, in order, and can be verified from what the API shows', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace);
    await service.send(...[...messages].reverse());
    await service.handled(...messages);
    const entries = await verifyLog(workspace);
    expect(entries.map(({ type, requestVersion }) => [type, requestVersion])).toEqual([
      ['request.created', 2],
      ['request.submitted', 2],
      ['stage.awaiting_approvers', 2],
      ['request.stage_started', 3],
      ['task.assigned', 3],
      ['task.decided', 4],
      ['stage.ended', 4],
      ['request.rejected', 4],
    ]);
    expect(new Set(entries.map((entry) => entry.requestId))).toEqual(new Set([requestId]));
    expect(entries.map(({ id }) => id)).toEqual(
      messages.flatMap(({ data }) => data.events.map(({ id }) => id)),
    );
    expect(entries[0]).toEqual({
      index: 0,
      id: expect.any(String),
      type: 'request.created',
      at: '2026-11-21T09:00:02.000Z',
      requestId,
      requestVersion: 2,
      content: expect.objectContaining({
        actor: { type: 'user', id: alice.id, via: 'key-1' },
        requester: alice.id,
      }),
      sealed: expect.any(Array),
      leafHash: expect.any(String),
    });
  });

  it('says nothing personal in a leaf, and keeps it sealed for the person it concerns', async () => {
    const workspace = v7();
    const { messages } = storyOf(workspace);
    await service.send(...messages);
    await service.handled(...messages);
    const entries = await everyEntry('', workspace);
    const leaves = JSON.stringify(
      entries.map(({ content, sealed }) => ({ content, sealed: sealed.map(({ kind }) => kind) })),
    );
    for (const word of personalWords) expect(leaves).not.toContain(word);
    const sealedFor = (subject: string) =>
      JSON.stringify(
        entries.flatMap(({ sealed }) =>
          sealed.filter((item) => item.subject === subject).map(({ data }) => data),
        ),
      );
    for (const word of [
      alice.userName,
      'A new desk',
      'The old one broke',
      'PO-4711',
      'cost centre',
      'line manager of Alice',
    ]) {
      expect(sealedFor(alice.id)).toContain(word);
    }
    expect(sealedFor(bob.id)).toContain('too expensive');
    expect(sealedFor(bob.id)).toContain(bob.userName);
    const original = entries[0]?.sealed.find(({ kind }) => kind === 'payload')?.data;
    expect(original).toEqual(JSON.parse(JSON.stringify(payload)));
    const salts = entries.flatMap(({ sealed }) => sealed.map(({ salt }) => salt ?? ''));
    expect(new Set(salts).size).toBe(salts.length);
    for (const salt of salts) expect(Buffer.from(salt, 'base64').length).toBeGreaterThanOrEqual(16);
  });

  it('still verifies when what was sealed for somebody has been erased', async () => {
    const workspace = v7();
    const { messages } = storyOf(workspace);
    await service.send(...messages);
    await service.handled(...messages);
    await service.sql('UPDATE sealed SET salt = NULL, data = NULL WHERE workspace_id = $1 AND subject = $2', [
      workspace,
      alice.id,
    ]);
    const entries = await everyEntry('', workspace);
    const erased = entries.flatMap(({ sealed }) => sealed.filter(({ subject }) => subject === alice.id));
    expect(erased.length).toBeGreaterThan(0);
    for (const item of erased) expect(item).toMatchObject({ salt: null, data: null });
    for (const entry of entries) expect(leafHashOf(entry)).toBe(entry.leafHash);
  });

  it('takes the same transition once, however it comes again', async () => {
    const workspace = v7();
    const { messages } = storyOf(workspace);
    const again = messages.map(({ data }) => messageOf(workspace, data));
    const both = [...messages, ...again];
    await service.send(...both);
    await service.send(...messages);
    for (const message of both) await service.send(message);
    await service.handled(...both);
    // A later message of the same queue is handled: nothing of the repetitions is left behind it.
    const last = storyOf(workspace);
    await service.send(...last.messages);
    await service.handled(...last.messages);
    expect((await verifyLog(workspace)).length).toBe(16);
    expect(await service.sql('SELECT 1 FROM dead_letter WHERE workspace_id = $1', [workspace])).toEqual([]);
  });

  it('has no gaps after many packs at the same time, and none of another workspace', async () => {
    const [one, two] = [v7(), v7()];
    const stories = Array.from({ length: 50 }, (_, n) => storyOf(n % 2 ? one : two));
    const messages = stories.flatMap((story) => story.messages);
    // Shuffled: transitions of a request overtake each other, packs mix workspaces.
    const shuffled = messages.map((message, n) => ({ message, rank: (n * 7919) % messages.length }));
    shuffled.sort((a, b) => a.rank - b.rank);
    const packs = Array.from({ length: 15 }, (_, n) =>
      shuffled.slice(n * 10, n * 10 + 10).map(({ message }) => message),
    );
    await Promise.all(packs.map((pack) => service.send(...pack)));
    await service.handled(...messages);
    const [ofOne, ofTwo] = [await verifyLog(one), await verifyLog(two)];
    expect([ofOne.length, ofTwo.length]).toEqual([200, 200]);
    const ids = new Set([...ofOne, ...ofTwo].map(({ id }) => id));
    expect(ids).toEqual(new Set(messages.flatMap(({ data }) => data.events.map(({ id }) => id))));
    expect(
      await service.sql('SELECT 1 FROM dead_letter WHERE workspace_id = ANY ($1)', [[one, two]]),
    ).toEqual([]);
  }, 60_000);

  it('only ever grows: the service itself may change or remove no entry', async () => {
    const app = new pg.Client({
      connectionString: urlAs(service.ownerUrl, secretKey, 'countersign_audit'),
      options: '-c search_path=audit',
    });
    await app.connect();
    try {
      await expect(app.query("UPDATE entry SET type = 'x'")).rejects.toThrow(/permission denied/);
      await expect(app.query('DELETE FROM entry')).rejects.toThrow(/permission denied/);
      expect((await app.query('SELECT 1 FROM entry')).rowCount).toBe(0);
      await app.query(`SET app.workspaces = '${v7()}'`);
      for (const table of ['entry', 'sealed', 'log_head', 'transition', 'request_payload']) {
        expect((await app.query(`SELECT 1 FROM ${table}`)).rowCount).toBe(0);
      }
    } finally {
      await app.end();
    }
  });
});

describe('GET /v1/audit/entries', () => {
  const workspace = v7();
  const [first, second] = [storyOf(workspace), storyOf(workspace, 'travel')];
  beforeAll(async () => {
    await service.send(...first.messages, ...second.messages);
    await service.handled(...first.messages, ...second.messages);
  });

  const typesOf = async (query: string) => (await everyEntry(query, workspace)).map(({ type }) => type);

  it('filters by request, type, actor and time', async () => {
    expect((await everyEntry(`&requestId=${second.requestId}`, workspace)).length).toBe(8);
    expect(await typesOf('&type=task.decided')).toEqual(['task.decided', 'task.decided']);
    expect((await everyEntry(`&actor=${bob.id}`, workspace)).length).toBe(6);
    expect(await typesOf(`&actor=${bob.id}&requestId=${first.requestId}`)).toEqual([
      'task.decided',
      'stage.ended',
      'request.rejected',
    ]);
    expect((await everyEntry('&from=2026-11-21T09:00:03Z&to=2026-11-21T09:00:04Z', workspace)).length).toBe(
      4,
    );
    expect(await everyEntry('&from=2027-01-01T00:00:00Z', workspace)).toEqual([]);
  });

  it('finds what was done on the word of a key or link, and what is of a workflow', async () => {
    const entries = await everyEntry('', workspace);
    const viaOf = ({ content }: ApiEntry) => (content.actor as { via: string | null }).via;
    const vouching = [...new Set(entries.map(viaOf))].filter((via) => via !== null);
    expect(vouching.length).toBeGreaterThan(0);
    for (const via of vouching)
      expect(await everyEntry(`&via=${via}`, workspace)).toEqual(entries.filter((one) => viaOf(one) === via));
    expect(await everyEntry('&via=nobody', workspace)).toEqual([]);
    for (const [workflow, { requestId }] of [
      ['purchase-order', first],
      ['travel', second],
    ] as const)
      expect(await everyEntry(`&workflow=${workflow}`, workspace)).toEqual(
        entries.filter((one) => one.requestId === requestId),
      );
    const refused = await service.get('/v1/audit/entries?workflow=travel', {
      workspace,
      workflows: ['purchase-order'],
    });
    expect([refused.status, refused.body.code]).toEqual([403, 'workflow_not_allowed']);
  });

  it('finds an actor by any ref that the directory knows', async () => {
    const externalId = v7();
    await service.sql(
      `INSERT INTO person (workspace_id, id, external_id, user_name, version, active, person) VALUES ($1, $2, $3, $4, 1, true, $5)`,
      [
        workspace,
        bob.id,
        externalId,
        bob.userName,
        JSON.stringify({ ...bob, externalId, active: true, version: 1 }),
      ],
    );
    expect((await everyEntry(`&actor=${externalId}`, workspace)).length).toBe(6);
    expect((await everyEntry('&actor=BOB@example.com', workspace)).length).toBe(6);
  });

  it('pages oldest first', async () => {
    const indexes: number[] = [];
    let cursor = '';
    do {
      const { body } = await service.get(`/v1/audit/entries?limit=3${cursor && `&cursor=${cursor}`}`, {
        workspace,
      });
      indexes.push(...body.data.map(({ index }: ApiEntry) => index));
      cursor = body.nextCursor;
    } while (cursor);
    expect(indexes).toEqual(Array.from({ length: 16 }, (_, index) => index));
  });

  it('shows a key of some workflows only theirs, and another workspace nothing', async () => {
    const own = await service.get('/v1/audit/entries', { workspace, workflows: ['travel'] });
    expect(new Set(own.body.data.map((entry: ApiEntry) => entry.requestId))).toEqual(
      new Set([second.requestId]),
    );
    expect((await service.get('/v1/audit/entries', { workspace: v7() })).body.data).toEqual([]);
  });

  it('refuses what it does not know, and keys without the scope', async () => {
    for (const query of ['requestId=x', 'from=yesterday', 'limit=0', 'limit=201', 'cursor=x', 'colour=red']) {
      const { status, body } = await service.get(`/v1/audit/entries?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, 'validation_failed']);
    }
    for (const path of ['entries', 'checkpoint', 'verifier-key']) {
      const { status, body } = await service.get(`/v1/audit/${path}`, { scopes: ['webhooks:read'] });
      expect([status, body.code]).toEqual([403, 'insufficient_scope']);
    }
  });
});
