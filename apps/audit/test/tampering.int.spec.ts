import path from 'node:path';
import { until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { appendFacts, appendMany, factOf } from './append-facts';
import { createAudit } from './create-audit';
import { answerParts } from './erasing-services';
import { openFrontDoor } from './front-door';
import { oldFacts, pruneTo } from './prune-log';
import { exportLines, openDesk, runVerify, type Desk, type Verdict } from './run-verify';
import { selfChecking } from './self-checking';

/*
 * Somebody with the rights of the tables' owner changes the log behind the service's back. Each change must be found by the
 * service's own self-check and by the tool that auditors run.
 */

const size = 600;
let service: TestService;
let desk: Desk;
let { stateOf, checkAll, verified, findingsOf, found } = {} as ReturnType<typeof selfChecking>;
beforeAll(async () => {
  desk = await openDesk();
  service = await createAudit({ COUNTERSIGN_SELFCHECK_INTERVAL: '3600', COUNTERSIGN_SELFCHECK_PASS: '3600' });
  ({ stateOf, checkAll, verified, findingsOf, found } = selfChecking(service));
}, 60_000);
afterAll(async () => {
  await service.stop();
  await desk.clear();
}, 30_000);

interface Log {
  workspace: string;
  key: string;
  /** As it was before anybody changed anything. */
  mirror: string;
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

/** A log of 600 entries that the service has checked and an auditor has mirrored. */
const checkedLog = async (): Promise<Log> => {
  const workspace = v7();
  await appendFacts(
    service,
    Array.from({ length: size }, (_, n) =>
      factOf(workspace, { personal: [{ subject: v7(), kind: 'person', data: { name: `person ${n}` } }] }),
    ),
    200,
  );
  await verified(workspace, size);
  const key = (await service.get('/v1/audit/verifier-key', { workspace })).text;
  const log: Log = {
    workspace,
    key: await desk.file(`${workspace}.key`, key),
    mirror: path.join(desk.dir, workspace),
    sql: (text, values = []) => service.sql(text.replaceAll('$ws', `'${workspace}'`), values),
  };
  expect(await mirrorOf(log)).toMatchObject({ code: 0 });
  expect(await exportOf(log)).toMatchObject({ code: 0 });
  return log;
};

const mirrorOf = async ({ workspace, key, mirror }: Log, dir = mirror): Promise<Verdict> => {
  const door = await openFrontDoor(service, { workspace });
  try {
    return await runVerify([
      'mirror',
      '--url',
      `${door.url}/v1/audit/log`,
      '--dir',
      dir,
      '--key',
      key,
      '--full',
    ]);
  } finally {
    await door.close();
  }
};

const exportOf = async ({ workspace, key }: Log): Promise<Verdict> => {
  const checkpoint = await desk.file(
    `${workspace}.checkpoint`,
    (await service.get('/v1/audit/checkpoint', { workspace })).text,
  );
  const lines = await exportLines(service, workspace);
  return runVerify(
    ['export', '--entries', '-', '--checkpoint', checkpoint, '--key', key],
    `${lines.join('\n')}\n`,
  );
};

/** Everything after the first 400 entries undone, with the head of that time: validly signed. */
const cutOff = async (log: Log) => {
  await log.sql('DELETE FROM entry WHERE workspace_id = $ws AND index >= 400');
  await log.sql('DELETE FROM sealed WHERE workspace_id = $ws AND index >= 400');
  await log.sql('DELETE FROM subtree WHERE workspace_id = $ws AND (index + 1) * 256 > 400');
};

const headAt400 = new Map<string, { frontier: Buffer; checkpoint: string }>();
/** A log of which somebody kept the head it had at 400 entries. */
const logWithOldHead = async (): Promise<Log> => {
  const workspace = v7();
  await appendMany(service, workspace, 400);
  const [head] = await service.sql<{ frontier: Buffer; checkpoint: string }>(
    'SELECT frontier, checkpoint FROM log_head WHERE workspace_id = $1',
    [workspace],
  );
  headAt400.set(workspace, head!);
  await appendMany(service, workspace, 200);
  await verified(workspace, size);
  const key = (await service.get('/v1/audit/verifier-key', { workspace })).text;
  const log: Log = {
    workspace,
    key: await desk.file(`${workspace}.key`, key),
    mirror: path.join(desk.dir, workspace),
    sql: (text, values = []) => service.sql(text.replaceAll('$ws', `'${workspace}'`), values),
  };
  expect(await mirrorOf(log)).toMatchObject({ code: 0 });
  return log;
};
const putOldHeadBack = ({ workspace, sql }: Log) => {
  const { frontier, checkpoint } = headAt400.get(workspace)!;
  return sql('UPDATE log_head SET frontier = $1, checkpoint = $2 WHERE workspace_id = $ws', [
    frontier,
    checkpoint,
  ]);
};

describe('what somebody does to the rows of the log', () => {
  it.each<[what: string, statements: string[], finding: string, message: string]>([
    [
      'the content of an entry changed',
      [`UPDATE entry SET content = '{"actor":null}' WHERE workspace_id = $ws AND index = 77`],
      'entry 77',
      'index 77: what it says does not give its leafHash',
    ],
    [
      'the type of an entry changed',
      [`UPDATE entry SET type = 'request.approved' WHERE workspace_id = $ws AND index = 78`],
      'entry 78',
      'index 78: what it says',
    ],
    [
      'the time of an entry changed',
      [`UPDATE entry SET at = at + interval '1 ms' WHERE workspace_id = $ws AND index = 79`],
      'entry 79',
      'index 79: what it says',
    ],
    [
      'the leaf hash of an entry changed',
      [`UPDATE entry SET leaf_hash = sha256('x') WHERE workspace_id = $ws AND index = 80`],
      'entry 80',
      'index 80: what it says does not give its leafHash',
    ],
    [
      'an entry with a new index',
      [`UPDATE entry SET index = 700 WHERE workspace_id = $ws AND index = 599`],
      'missing 599',
      'index 599: missing, 700 follows',
    ],
    [
      'two entries in each other’s place',
      [
        `UPDATE entry SET index = CASE index WHEN 10 THEN -20 ELSE -10 END WHERE workspace_id = $ws AND index IN (10, 20)`,
        `UPDATE entry SET index = -index WHERE workspace_id = $ws AND index < 0`,
        `UPDATE sealed SET index = CASE index WHEN 10 THEN -20 ELSE -10 END WHERE workspace_id = $ws AND index IN (10, 20)`,
        `UPDATE sealed SET index = -index WHERE workspace_id = $ws AND index < 0`,
      ],
      'subtree 0',
      'index 0 to 599: the leaf hashes do not give the root that is signed',
    ],
    [
      'two of the newest entries in each other’s place',
      [
        `UPDATE entry SET index = CASE index WHEN 590 THEN -595 ELSE -590 END WHERE workspace_id = $ws AND index IN (590, 595)`,
        `UPDATE entry SET index = -index WHERE workspace_id = $ws AND index < 0`,
        `UPDATE sealed SET index = CASE index WHEN 590 THEN -595 ELSE -590 END WHERE workspace_id = $ws AND index IN (590, 595)`,
        `UPDATE sealed SET index = -index WHERE workspace_id = $ws AND index < 0`,
      ],
      'root 0',
      'index 0 to 599: the leaf hashes do not give the root that is signed',
    ],
    [
      'an entry removed',
      [`DELETE FROM entry WHERE workspace_id = $ws AND index = 300`],
      'missing 300',
      'index 300: missing, 301 follows',
    ],
    [
      'the newest entry removed',
      [`DELETE FROM entry WHERE workspace_id = $ws AND index = 599`],
      'missing 599',
      'index 599: missing, the export ends here, but the checkpoint covers 600 entries',
    ],
    [
      'sealed data changed',
      [`UPDATE sealed SET data = '{"name":"somebody else"}' WHERE workspace_id = $ws AND index = 81`],
      'sealed 81',
      'index 81: what is sealed in it (number 0) does not fit its commitment',
    ],
    [
      'a salt removed without its data',
      [`UPDATE sealed SET salt = NULL WHERE workspace_id = $ws AND index = 82`],
      'sealed 82',
      'index 82: what is sealed in it',
    ],
    [
      'a commitment removed',
      [`DELETE FROM sealed WHERE workspace_id = $ws AND index = 83`],
      'entry 83',
      'index 83: what it says does not give its leafHash',
    ],
    [
      'the checkpoint changed',
      [
        `UPDATE log_head SET checkpoint = replace(checkpoint, E'\\n600\\n', E'\\n601\\n') WHERE workspace_id = $ws`,
      ],
      'head 600',
      'the signature of',
    ],
  ])('%s', async (_, statements, finding, message) => {
    const log = await checkedLog();
    for (const statement of statements) await log.sql(statement);
    const verdict = await exportOf(log);
    expect(verdict.output).toContain(message);
    expect(verdict.code).toBe(1);
    await found(log.workspace, finding);
  });

  it('a hash of a tile changed', async () => {
    const log = await checkedLog();
    await log.sql(
      `UPDATE subtree SET hash = sha256('x') WHERE workspace_id = $ws AND level = 1 AND index = 1`,
    );
    await found(log.workspace, 'subtree 256');
    // The entries are as they were; proofs that need this hash are not.
    expect(await exportOf(log)).toMatchObject({ code: 0 });
    const { workspace } = log;
    const [line] = await exportLines(service, workspace);
    const proof = await service.get(`/v1/audit/proofs/inclusion?index=0&treeSize=${size}`, { workspace });
    const verdict = await runVerify([
      'inclusion',
      ...['--entry', await desk.file('entry.json', line!)],
      ...['--proof', await desk.file('proof.json', proof.text)],
      ...['--checkpoint', path.join(log.mirror, 'checkpoint')],
      ...['--key', log.key],
    ]);
    expect(verdict).toMatchObject({ code: 1, output: expect.stringContaining('index 0: not proven') });
  });
});

describe('what somebody does to the head of the log', () => {
  it('the newest entries removed, with the head of an earlier time', async () => {
    const log = await logWithOldHead();
    await cutOff(log);
    await putOldHeadBack(log);
    // By itself what is left is right; whoever has seen more knows better.
    expect(await exportOf(log)).toMatchObject({ code: 0 });
    expect(await mirrorOf(log)).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 400: the log was cut off: it has 400 entries and had 600'),
    });
    await found(log.workspace, 'truncated 400');
  });

  it('the head of an earlier time, with the entries left', async () => {
    const log = await logWithOldHead();
    await putOldHeadBack(log);
    const verdict = await exportOf(log);
    expect(verdict.output).toContain('index 400: not covered by the checkpoint');
    expect(verdict.code).toBe(1);
    await found(log.workspace, 'surplus 400');
    expect(await findingsOf(log.workspace)).toContain('truncated 400');
  });

  it.each([
    ['as long as before', 200],
    ['longer than before', 300],
  ])('a fork that is %s: cut off and written anew, validly signed', async (_, more) => {
    const log = await logWithOldHead();
    await cutOff(log);
    await putOldHeadBack(log);
    await appendMany(service, log.workspace, more);
    expect(await exportOf(log)).toMatchObject({ code: 0 });
    const verdict = await mirrorOf(log);
    expect(verdict.output).toMatch(/the log forked/);
    expect(verdict.code).toBe(1);
    await found(log.workspace, `root ${size}`);
  });

  it('the head removed', async () => {
    const log = await checkedLog();
    await log.sql('DELETE FROM log_head WHERE workspace_id = $ws');
    await found(log.workspace, `head_missing ${size}`);
    expect((await exportOf(log)).code).toBe(1);
  });
});

describe('a finding', () => {
  it('is told once: in the log, in the feed and to notification', async () => {
    const log = await checkedLog();
    const { workspace } = log;
    await log.sql(`UPDATE entry SET content = '{}' WHERE workspace_id = $ws AND index IN (5, 7)`);
    await found(workspace, 'entry 5');
    await checkAll(workspace);
    const events = (await service.get('/v1/events?types=audit.tampered', { workspace })).body.data;
    expect(events).toHaveLength(1);
    expect(events[0].data).toMatchObject({ workspaceId: workspace, count: 2, actor: { type: 'system' } });
    expect(
      events[0].data.findings.map(({ kind, index }: { kind: string; index: number }) => [kind, index]),
    ).toEqual([
      ['entry', 5],
      ['entry', 7],
    ]);
    const entries = (await service.get('/v1/audit/entries?type=audit.tampered', { workspace })).body.data;
    expect(entries.map(({ id }: { id: string }) => id)).toEqual([events[0].id]);
    const told = (await service.sent('audit.happened.v1')).filter(
      (message) => message.workspaceId === workspace,
    );
    expect(told.map(({ data }) => [data.id, data.type, data.shown])).toEqual([
      [events[0].id, 'audit.tampered', events[0].data],
    ]);
    expect(await stateOf(workspace)).toMatchObject({ findings: 2, verifiedEntries: size + 1 });
    const metrics = (await service.get('/metrics')).text;
    expect(Number(/^countersign_selfcheck_findings (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(2);
    expect(Number(/^countersign_selfcheck_verified_entries (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(
      size,
    );
    expect(metrics).toMatch(/^countersign_selfcheck_oldest_seconds \d/m);
    expect(metrics).toMatch(/^countersign_selfcheck_oldest_pass_seconds \d/m);
  });

  it('is told even when the log takes no entries any more', async () => {
    const log = await logWithOldHead();
    await putOldHeadBack(log);
    await found(log.workspace, 'surplus 400');
    const told = await service.sent('audit.happened.v1');
    expect(told.some((message) => message.workspaceId === log.workspace)).toBe(true);
  });

  it('is shown to readers of the log, and only an admin begins a pass', async () => {
    const options = { scopes: ['webhooks:read' as const] };
    for (const path of ['self-check', 'self-check/findings'])
      expect((await service.get(`/v1/audit/${path}`, options)).body.code).toBe('insufficient_scope');
    const begun = await service.call('POST', '/v1/audit/self-check', {}, { scopes: ['audit:read'] });
    expect(begun.body.code).toBe('insufficient_scope');
    expect((await service.get('/v1/audit/self-check', { workspace: v7() })).body).toEqual({
      verifiedEntries: 0,
      checkedAt: null,
      passStartedAt: null,
      passedAt: null,
      findings: 0,
    });
  });
});

/** As the services beside this one would have done it. */
const erase = async (workspace: string, subject: string): Promise<void> => {
  const asked = service.call('POST', '/v1/audit/erasures', { subject, reason: 'Asked for' }, { workspace });
  const state = async () => {
    const { body } = await service.get('/v1/audit/erasures', { workspace });
    for (const { id } of body.data) await answerParts(service, id);
    return body.data.every((erasure: { state: string }) => erasure.state === 'done') && body.data.length > 0;
  };
  await until(state, 20_000);
  expect((await asked).status).toBe(201);
};

describe('a log that nobody has touched', () => {
  it('raises no alarm while it grows, is erased from and is pruned', async () => {
    const workspaces = [v7(), v7(), v7()];
    const people = workspaces.map(() => v7());
    await Promise.all(
      workspaces.map(async (workspace, n) => {
        const subject = people[n]!;
        for (let round = 0; round < 12; round++) {
          const personal = [{ subject, kind: 'person', data: { round } }];
          // What is old may be pruned, up to what the erasure leaves in the log.
          await appendFacts(service, oldFacts(workspace, 90, { personal }), 30);
          await service.call('POST', '/v1/audit/self-check', {}, { workspace });
          if (round === 6) await erase(workspace, subject);
          if (round === 9) await pruneTo(service, workspace, 512);
        }
      }),
    );
    for (const workspace of workspaces) {
      await checkAll(workspace);
      expect((await stateOf(workspace)).verifiedEntries).toBeGreaterThan(12 * 90);
      expect(await findingsOf(workspace)).toEqual([]);
    }
  }, 90_000);

  it('has a checkpoint of every moment: whoever sees an entry sees it signed', async () => {
    const workspace = v7();
    let isDone = false;
    const appended = appendFacts(
      service,
      Array.from({ length: 1_500 }, () => factOf(workspace)),
      15,
    ).finally(() => (isDone = true));
    const seen = new Set<string>();
    while (!isDone) {
      // One statement sees one moment.
      const [row] = await service.sql<{ checkpoint: string; entries: string }>(
        `SELECT checkpoint, (SELECT count(*) FROM entry e WHERE e.workspace_id = h.workspace_id) AS entries
           FROM log_head h WHERE workspace_id = $1`,
        [workspace],
      );
      if (!row) continue;
      expect(row.checkpoint.split('\n')[1]).toBe(row.entries);
      seen.add(row.entries);
    }
    await appended;
    expect(seen.size).toBeGreaterThan(5);
  });
});
