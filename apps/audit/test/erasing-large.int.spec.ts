import { DocumentTable, type DocumentRow } from '@countersign/erasure';
import { storedText, until, type TestService } from '@countersign/service-kit/test';
import pg from 'pg';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { alice, bob } from './transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const kilobytes = 200;
const versions = 40;

/** Rows of a request as a stage of very many people leaves them: every version has everybody. */
const largeRequest = async (requestId: string): Promise<void> => {
  const crowd = Array.from({ length: kilobytes }, (_, n) => ({
    id: v7(),
    note: `${n} ${Array.from({ length: 30 }, () => v7()).join(' ')}`.slice(0, 1_000),
  }));
  for (let version = 1; version <= versions; version += 1)
    await service.sql(
      'INSERT INTO transition (request_id, request_version, workspace_id, snapshot) VALUES ($1, $2, $3, $4)',
      [
        requestId,
        version,
        service.workspaceId,
        JSON.stringify({
          id: requestId,
          title: 'A new desk',
          // Only the last one says so: it counts for what the first ones say.
          requester: { ...bob, ...(version === versions ? { displayName: 'Bob the Builder' } : {}) },
          crowd: [...crowd, { note: version === 1 ? 'as Bob the Builder said' : '' }],
          tasks: [{ assignee: alice, comment: version === 2 ? 'comment-markword' : null, decidedBy: alice }],
        }),
      ],
    );
};

const erase = async (subject: string, requests: string[]) => {
  const erasureId = v7();
  await service.tell('subject.erase.v1', {
    erasureId,
    part: 0,
    subject,
    requests: requests.map((id) => ({ id, isRequester: false })),
    general: false,
  });
  const { data } = await until(
    async () =>
      (await service.sent('subject.erased.v1')).find(({ data: { erasureId: id } }) => id === erasureId),
    60_000,
  );
  return data.counts;
};

describe('requests with more than fits into memory together', () => {
  const ids = [v7(), v7()];
  beforeAll(async () => {
    for (const id of ids) await largeRequest(id);
  }, 60_000);

  it('are read a few documents at a time, each of them once', async () => {
    const table = new DocumentTable<DocumentRow & { request_version: number; snapshot: unknown }>({
      table: 'transition',
      key: { request_version: 'int' },
      documents: { snapshot: 'json' },
    });
    const client = new pg.Client({ connectionString: service.ownerUrl, options: '-c search_path=audit' });
    await client.connect();
    try {
      const sql = {
        query: async <R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
          (await client.query<R>(text, values as unknown[])).rows,
      };
      await client.query(`SET app.workspaces = '${service.workspaceId}'`);
      const seen: string[] = [];
      for (let after = null, isLast = false; !isLast;) {
        const page = await table.page(sql, service.workspaceId, ids, after);
        const bytes = page.rows.map(({ snapshot }) => JSON.stringify(snapshot).length);
        expect(bytes.slice(0, -1).reduce((sum, size) => sum + size, 0)).toBeLessThan(2 * 1024 * 1024);
        seen.push(...page.rows.map((row) => `${row.request_id} ${row.request_version}`));
        after = page.rows.at(-1) ?? null;
        isLast = page.isLast;
      }
      const all = ids
        .toSorted()
        .flatMap((id) => Array.from({ length: versions }, (_, n) => `${id} ${n + 1}`));
      expect(seen).toEqual(all);
    } finally {
      await client.end();
    }
  });

  it('lose what the subject is called anywhere in them', async () => {
    expect(await erase(bob.id, ids)).toMatchObject({ snapshots: 2 * versions });
    const left = await storedText(service);
    for (const word of ['Bob', bob.userName]) expect(left).not.toContain(word);
    for (const word of [alice.userName, 'comment-markword']) expect(left).toContain(word);
    await erase(alice.id, ids);
    for (const word of [alice.userName, 'comment-markword'])
      expect(await storedText(service)).not.toContain(word);
  }, 60_000);
});
