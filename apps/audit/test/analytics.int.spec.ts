import { Database, roleOf, urlAs } from '@countersign/persistence';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { reportsByHand, requestsByHand, waitingByHand, type Asked, type RawEntry } from './analytics-by-hand';
import { forgetRequesters } from '../src/analytics/projection/forget-requesters';
import { createAudit } from './create-audit';
import { histories, RequestHistory } from './request-history';
import { messageOf, storyOf } from './transitions';

const dayMs = 86_400_000;
const groupings = [null, 'stage', 'group', 'region', 'department', 'workflow'] as const;
const reports = ['cycle-times', 'throughput', 'outcomes'] as const;

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const everyEntry = async (workspace: string): Promise<RawEntry[]> => {
  const entries: RawEntry[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await service.get(`/v1/audit/entries?limit=200${cursor ? `&cursor=${cursor}` : ''}`, {
      workspace,
    });
    entries.push(...body.data);
    cursor = body.nextCursor;
  }
  return entries;
};

/** Everything in the log has been counted, and every day and month that is over added up. */
const even = (workspace: string): Promise<void> =>
  until(async () => {
    const { body } = await service.get('/v1/analytics/bottlenecks', { workspace });
    const open = await service.sql(
      `SELECT FROM analytics_period WHERE workspace_id = $1 AND NOT rolled
          AND period < (CASE level WHEN 'day' THEN now()::date ELSE date_trunc('month', now())::date END)`,
      [workspace],
    );
    return body.complete && body.entries > 0 && open.length === 0;
  }, 60_000);

const queryOf = (asked: Partial<Record<keyof Asked, unknown>>): string =>
  Object.entries(asked)
    .filter(([name, value]) => value !== null && name !== 'workflows')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join('&');

const linesOf = (data: Record<string, unknown>[]): Map<string, unknown> => {
  const keys = ['workflow', 'stage', 'group', 'region', 'department'];
  return new Map(
    data.map((line) => [
      JSON.stringify(Object.fromEntries(keys.flatMap((key) => (key in line ? [[key, line[key]]] : [])))),
      line,
    ]),
  );
};

const checkReports = async (
  workspace: string,
  entries: readonly RawEntry[],
  {
    workflow,
    allowed,
    ...asked
  }: Omit<Asked, 'workflows'> & { workflow: string | null; allowed: string[] | null },
): Promise<void> => {
  const requests = requestsByHand(entries);
  const workflows = workflow === null ? allowed : [workflow];
  const expected = reportsByHand(requests, { ...asked, workflows });
  for (const report of reports) {
    const { status, body } = await service.get(
      `/v1/analytics/${report}?${queryOf({ ...asked, ...(workflow ? { workflow } : {}) } as never)}`,
      { workspace, workflows: allowed, scopes: ['audit:read'] },
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...asked, complete: true, entries: entries.length, omitted: 0 });
    expect(linesOf(body.data)).toEqual(expected[report]);
  }
};

const checkWaiting = async (
  workspace: string,
  entries: readonly RawEntry[],
  asked: { groupBy: Asked['groupBy']; from: string | null; to: string | null },
): Promise<void> => {
  const { body } = await service.get(`/v1/analytics/bottlenecks?${queryOf(asked as never)}`, { workspace });
  const expected = waitingByHand(requestsByHand(entries), body.asOf, { ...asked, workflows: null });
  if (asked.groupBy === null && expected.size === 0)
    expect(body.data).toMatchObject([{ stages: 0, oldestSince: null }]);
  else expect(linesOf(body.data)).toEqual(expected);
};

/** Requests of the last seventy days, told in packs that overtake each other. */
const live = async (workspace: string, seed: number, count: number): Promise<void> => {
  const plans = fc.sample(histories, { numRuns: count, seed });
  const starts = fc.sample(fc.integer({ min: 0, max: 70 * dayMs }), { numRuns: count, seed });
  const places = fc.sample(fc.nat(), { numRuns: count * 30, seed });
  const messages = plans
    .flatMap((plan, n) => new RequestHistory(workspace, plan, new Date(Date.now() - starts[n]!)).transitions)
    .map((data, n) => ({ message: messageOf(workspace, data), place: places[n % places.length]! }))
    .sort((a, b) => a.place - b.place)
    .map(({ message }) => message);
  for (let from = 0; from < messages.length; from += 40) {
    const pack = messages.slice(from, from + 40);
    await service.send(...pack);
    await service.handled(...pack);
  }
};

describe('analytics', () => {
  const workspace = v7();
  let entries: RawEntry[];
  beforeAll(async () => {
    await live(workspace, 11, 150);
    await even(workspace);
    entries = await everyEntry(workspace);
  }, 120_000);

  const moments = fc
    .integer({ min: -72 * 24, max: 24 })
    .map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString());
  const midnights = fc
    .integer({ min: -72, max: 1 })
    .map((days) => `${new Date(Date.now() + days * dayMs).toISOString().slice(0, 10)}T00:00:00.000Z`);
  const instants = fc.oneof(moments, midnights);
  const askedFor = fc.record({
    edges: fc.uniqueArray(instants, { minLength: 2, maxLength: 2 }).map((edges) => [...edges].sort()),
    groupBy: fc.constantFrom(...groupings),
    workflow: fc.constantFrom(null, null, 'purchase', 'travel'),
    limit: fc.constantFrom<string[] | null>(
      null,
      null,
      ['purchase'],
      ['travel', 'none'],
      ['purchase', 'travel'],
    ),
  });

  it('says of any period what a look at every single entry says, by whatever it is grouped', async () => {
    const whole = { from: new Date(0).toISOString(), to: new Date(Date.now() + 365 * dayMs).toISOString() };
    for (const groupBy of groupings)
      await checkReports(workspace, entries, { ...whole, groupBy, workflow: null, allowed: null });
    await fc.assert(
      fc.asyncProperty(askedFor, async ({ edges: [from, to], groupBy, workflow, limit }) => {
        const allowed = limit && workflow && !limit.includes(workflow) ? null : limit;
        await checkReports(workspace, entries, { from: from!, to: to!, groupBy, workflow, allowed });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('says where requests wait now as a look at every single entry does', async () => {
    expect(
      waitingByHand(requestsByHand(entries), new Date().toISOString(), {
        groupBy: 'stage',
        from: null,
        to: null,
        workflows: null,
      }).size,
    ).toBeGreaterThan(3);
    for (const groupBy of groupings)
      await checkWaiting(workspace, entries, { groupBy, from: null, to: null });
    await fc.assert(
      fc.asyncProperty(askedFor, async ({ edges: [from, to], groupBy }) =>
        checkWaiting(workspace, entries, { groupBy, from: from!, to: to! }),
      ),
      { numRuns: 20 },
    );
  }, 60_000);

  it('adds a day up again when something that happened in it turns up late, and goes on after a restart', async () => {
    await live(workspace, 12, 20);
    await service.restart();
    await live(workspace, 13, 20);
    await even(workspace);
    entries = await everyEntry(workspace);
    const whole = { from: new Date(0).toISOString(), to: new Date(Date.now() + 365 * dayMs).toISOString() };
    for (const groupBy of groupings)
      await checkReports(workspace, entries, { ...whole, groupBy, workflow: null, allowed: null });
    await checkWaiting(workspace, entries, { groupBy: 'stage', from: null, to: null });
  }, 120_000);

  it('is the same after everything has been made anew', async () => {
    const ask = async () => {
      const answers = [];
      for (const groupBy of groupings)
        answers.push(
          (
            await service.get(
              `/v1/analytics/outcomes?${queryOf({ from: new Date(0).toISOString(), to: '2999-01-01T00:00:00Z', groupBy } as never)}`,
              { workspace },
            )
          ).body,
        );
      return answers;
    };
    const before = (await ask()).map(({ data }) => data);
    expect(
      (await service.call('POST', '/v1/analytics/rebuild', undefined, { workspace, scopes: ['audit:read'] }))
        .status,
    ).toBe(403);
    const { status, body } = await service.call('POST', '/v1/analytics/rebuild', undefined, { workspace });
    expect([status, body]).toEqual([200, { entries: 0, complete: false }]);
    await even(workspace);
    expect((await ask()).map(({ data }) => data)).toEqual(before);
    const { body: page } = await service.get('/v1/audit/entries?type=analytics.rebuilt', { workspace });
    expect(page.data).toMatchObject([{ content: { dropPruned: false, actor: { type: 'service' } } }]);
  }, 60_000);

  it('keeps what was counted of entries that were pruned since, unless it is told to drop it', async () => {
    const pruned = v7();
    await live(pruned, 13, 30);
    await even(pruned);
    const ask = async () =>
      (await service.get('/v1/analytics/throughput?from=2000-01-01T00:00:00Z', { workspace: pruned })).body
        .data[0].requests.submitted;
    const rebuild = (body?: object) =>
      service.call('POST', '/v1/analytics/rebuild', body, { workspace: pruned });
    const before = await ask();
    expect(before).toBeGreaterThan(10);
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < 256', [pruned]);
    await service.sql('UPDATE log_head SET first_index = 256, pruned_at = now() WHERE workspace_id = $1', [
      pruned,
    ]);
    const { status, body } = await rebuild();
    expect([status, body.code]).toEqual([409, 'invalid_transition']);
    expect(await ask()).toBe(before);
    expect((await rebuild({ dropPruned: true })).status).toBe(200);
    await even(pruned);
    expect(await ask()).toBeLessThan(before);
  }, 60_000);

  it('is nothing in another workspace', async () => {
    const { body } = await service.get('/v1/analytics/outcomes', { workspace: v7() });
    expect(body).toMatchObject({
      entries: 0,
      complete: true,
      data: [{ requests: { ended: 0, rates: { completion: null } }, stages: { ended: 0 } }],
    });
    const waiting = await service.get('/v1/analytics/bottlenecks?groupBy=stage', { workspace: v7() });
    expect(waiting.body.data).toEqual([]);
  });
});

describe('an erasure', () => {
  it('takes region and department from what is kept of requests, and leaves what was added up', async () => {
    const workspace = v7();
    await live(workspace, 21, 60);
    await even(workspace);
    const entries = await everyEntry(workspace);
    const ended = {
      from: new Date(0).toISOString(),
      to: `${new Date().toISOString().slice(0, 10)}T00:00:00Z`,
    };
    const ask = async () =>
      (await service.get(`/v1/analytics/outcomes?${queryOf({ ...ended, groupBy: 'region' })}`, { workspace }))
        .body.data;
    const before = await ask();
    expect(before.length).toBeGreaterThan(1);
    const requests = requestsByHand(entries);
    const database = await Database.connect({
      url: urlAs(service.ownerUrl, secretKey, roleOf('audit', 'app')),
      schema: 'audit',
      poolSize: 1,
      applicationName: 'test',
    });
    await database.transaction([workspace], (sql) => {
      forgetRequesters(
        sql,
        workspace,
        requests.map(({ id }) => id),
      );
      return Promise.resolve();
    });
    await database.close();
    expect(await ask()).toEqual(before);
    const { body } = await service.get('/v1/analytics/bottlenecks?groupBy=region', { workspace });
    const open = requests.flatMap(({ stages }) => stages.filter(({ left }) => left === null));
    expect(body.data).toMatchObject([{ region: null, stages: open.length }]);
    const kept = await service.sql(
      `SELECT region, department, run ->> 'region' AS of_run FROM analytics_measure m JOIN analytics_request r USING (workspace_id, request_id)
        WHERE workspace_id = $1 AND (region IS NOT NULL OR department IS NOT NULL OR run ->> 'region' IS NOT NULL)`,
      [workspace],
    );
    expect(kept).toEqual([]);
  }, 60_000);
});

describe('a question to analytics', () => {
  it.each(['from=yesterday', 'groupBy=mood', 'from=2026-02-01T00:00:00Z&to=2026-02-01T00:00:00Z', 'limit=5'])(
    'is refused with %s',
    async (query) => {
      for (const report of [...reports, 'bottlenecks']) {
        const { status, body } = await service.get(`/v1/analytics/${report}?${query}`);
        expect([status, body.code]).toEqual([400, 'validation_failed']);
      }
    },
  );

  it('is about the last thirty days unless it says otherwise', async () => {
    const { body } = await service.get('/v1/analytics/outcomes?to=2026-03-31T12:00:00%2B02:00');
    expect([body.from, body.to]).toEqual(['2026-03-01T10:00:00.000Z', '2026-03-31T10:00:00.000Z']);
  });

  it('needs audit:read, and a key that may see the workflow it names', async () => {
    expect((await service.get('/v1/analytics/outcomes', { scopes: ['requests:read'] })).body.code).toBe(
      'insufficient_scope',
    );
    const { body } = await service.get('/v1/analytics/outcomes?workflow=other', { workflows: ['purchase'] });
    expect(body.code).toBe('workflow_not_allowed');
  });
});

describe('two processes', () => {
  it('count each entry once', async () => {
    const workspace = v7();
    const { startService } = await import('@countersign/service-kit');
    const { AppModule } = await import('../src/app.module');
    const url = new URL(service.ownerUrl);
    const second = await startService({
      service: 'audit',
      module: AppModule,
      env: {
        DATABASE_URL: url.href,
        REDIS_URL: process.env.TEST_REDIS_URL,
        COUNTERSIGN_SECRET_KEY: secretKey,
        SERVICE_PORT: '0',
      },
    });
    try {
      for (let n = 0; n < 10; n += 1) {
        const { messages } = storyOf(workspace);
        await service.send(...messages);
        await service.handled(...messages);
      }
      await even(workspace);
      const query = 'from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z';
      const { body } = await service.get(`/v1/analytics/outcomes?${query}`, { workspace });
      expect(body.data).toMatchObject([{ requests: { ended: 10, rejected: 10 }, stages: { ended: 10 } }]);
    } finally {
      await second.stop();
    }
  }, 60_000);
});
