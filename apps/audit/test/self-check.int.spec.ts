import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import { startService } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { AppModule } from '../src/app.module';
import { appendFacts, appendMany, factOf } from './append-facts';
import { createAudit } from './create-audit';
import { oldFacts, pruneTo } from './prune-log';
import { selfChecking } from './self-checking';
import { storyOf } from './transitions';

/*
 * What the service's own check finds in a log beyond what its leaves and their tree show (tampering.int.spec.ts): what stands beside
 * them, what is gone, and what the check itself rests on.
 */

const env = { COUNTERSIGN_SELFCHECK_INTERVAL: '3600', COUNTERSIGN_SELFCHECK_PASS: '3600' };
let service: TestService;
let { stateOf, checkAll, verified, findingsOf, found } = {} as ReturnType<typeof selfChecking>;
beforeAll(async () => {
  service = await createAudit(env);
  ({ stateOf, checkAll, verified, findingsOf, found } = selfChecking(service));
}, 60_000);
afterAll(() => service.stop(), 30_000);

const sql = (workspace: string, text: string, values: unknown[] = []) =>
  service.sql(text.replaceAll('$ws', `'${workspace}'`), values);

const detailsOf = async (workspace: string): Promise<string[]> => {
  const { body } = await service.get('/v1/audit/self-check/findings?limit=200', { workspace });
  return body.data.map(({ detail }: { detail: string }) => detail);
};

const told = async (workspace: string) =>
  (await service.get('/v1/events?types=audit.tampered', { workspace })).body.data;

describe('what stands beside the leaf of an entry', () => {
  /** Entries 0 to 7 are a request's, 8 a fact of a workflow, 9 a fact by somebody with something sealed. */
  const mixedLog = async (): Promise<string> => {
    const workspace = v7();
    const { messages } = storyOf(workspace);
    await service.send(...messages);
    await service.handled(...messages);
    const actor = { type: 'user' as const, id: v7(), via: 'key-1' };
    await appendFacts(service, [
      factOf(workspace, {
        workflowKey: 'travel',
        content: { actor: { type: 'system', id: null, via: null }, workflow: 'travel' },
      }),
      factOf(workspace, {
        actor,
        content: { actor },
        personal: [{ subject: v7(), kind: 'words', data: { name: 'Desk' } }],
      }),
    ]);
    await verified(workspace, 10);
    expect(await detailsOf(workspace)).toEqual([]);
    return workspace;
  };

  it.each<[what: string, statement: string, finding: string]>([
    ['the actor of a fact', `UPDATE entry SET actor_id = 'somebody' WHERE index = 9`, 'columns 9'],
    ['the actor of a transition', 'UPDATE entry SET actor_id = NULL WHERE index = 0', 'columns 0'],
    ['the workflow of a fact', 'UPDATE entry SET workflow_key = NULL WHERE index = 8', 'columns 8'],
    [
      'a workflow where there is none',
      `UPDATE entry SET workflow_key = 'travel' WHERE index = 9`,
      'columns 9',
    ],
    ['the workflow of a transition', `UPDATE entry SET workflow_key = 'travel' WHERE index = 6`, 'columns 6'],
    [
      'a transition taken out of its workflow',
      'UPDATE entry SET workflow_key = NULL WHERE index = 7',
      'columns 7',
    ],
    ['the task of an entry', 'UPDATE entry SET task_id = gen_random_uuid() WHERE index = 5', 'columns 5'],
    [
      'a member of the content twice',
      `UPDATE entry SET content = replace(content::text, '{"actor"', '{"actor":null,"actor"')::json WHERE index = 9`,
      'entry 9',
    ],
    [
      'a member of sealed data twice',
      `UPDATE sealed SET data = '{"name":"Chair","name":"Desk"}' WHERE index = 9`,
      'sealed 9',
    ],
    [
      'a payload that is shown',
      `UPDATE request_payload SET payload = '{"amount":1}' WHERE true`,
      'payload 0',
    ],
    ['a payload that is not there', 'DELETE FROM request_payload WHERE true', 'payload 0'],
  ])('%s is found', async (_, statement, finding) => {
    const workspace = await mixedLog();
    await sql(workspace, `${statement} AND workspace_id = $ws`);
    await checkAll(workspace);
    expect(await findingsOf(workspace)).toEqual([finding]);
  });

  it('is right for facts that are continued in further entries', async () => {
    const workspace = v7();
    const actor = { type: 'user' as const, id: v7(), via: 'key-1' };
    await appendFacts(service, [
      factOf(workspace, {
        actor,
        workflowKey: 'travel',
        content: { actor, workflow: 'travel', long: 'x'.repeat(70_000) },
      }),
    ]);
    await checkAll(workspace);
    expect((await stateOf(workspace)).verifiedEntries).toBeGreaterThan(3);
    expect(await detailsOf(workspace)).toEqual([]);
    await sql(workspace, `UPDATE entry SET actor_id = 'somebody' WHERE workspace_id = $ws AND index = 2`);
    await found(workspace, 'columns 2');
  });
});

describe('what is sealed and gone', () => {
  const subject = v7();
  const logWithSealed = async (): Promise<string> => {
    const workspace = v7();
    const personal = [{ subject, kind: 'words', data: { name: 'Desk' } }];
    await appendFacts(service, [
      ...oldFacts(workspace, 1, { personal }),
      factOf(workspace, { personal }),
      factOf(workspace, { personal: [{ ...personal[0]!, subject: v7() }] }),
    ]);
    await verified(workspace, 3);
    return workspace;
  };
  const unseal = (workspace: string) =>
    sql(workspace, 'UPDATE sealed SET salt = NULL, data = NULL WHERE workspace_id = $ws');
  /** The record of an erasure, and what the log tells of it. */
  const erasure = async (workspace: string, of: string | null, isTold: boolean): Promise<void> => {
    const id = v7();
    const content = { erasureId: id, subject: of, because: 'retention' };
    const fact = factOf(workspace, { type: 'erasure.requested' });
    Object.assign(fact.content, content);
    if (isTold) await appendFacts(service, [fact]);
    await sql(
      workspace,
      `INSERT INTO erasure (id, workspace_id, subject, entry_id, requested_at, requested_by, phase, state)
       VALUES ($1, $ws, $2, $3, $4, '{}', 'erase', 'done')`,
      [id, of, fact.id, fact.at],
    );
  };

  it('is found where no erasure covers it', async () => {
    const workspace = await logWithSealed();
    await unseal(workspace);
    await checkAll(workspace);
    expect((await findingsOf(workspace)).sort()).toEqual(['sealed 0', 'sealed 1', 'sealed 2']);
  });

  it('is found where the log tells nothing of the erasure that would cover it', async () => {
    const workspace = await logWithSealed();
    await erasure(workspace, subject, false);
    await unseal(workspace);
    await checkAll(workspace);
    expect((await findingsOf(workspace)).sort()).toEqual(['sealed 0', 'sealed 1', 'sealed 2']);
  });

  it('is right for whom the erasure is, until then', async () => {
    const workspace = await logWithSealed();
    await erasure(workspace, subject, true);
    await unseal(workspace);
    await checkAll(workspace);
    expect(await findingsOf(workspace)).toEqual(['sealed 2']);
    await appendFacts(service, [factOf(workspace, { personal: [{ subject, kind: 'words', data: 1 }] })]);
    await unseal(workspace);
    await checkAll(workspace);
    expect(await findingsOf(workspace)).toContainEqual(expect.stringMatching(/^sealed [3-9]$/));
  });

  it('is right where it was about no request and had its time', async () => {
    const workspace = await logWithSealed();
    await erasure(workspace, null, true);
    await unseal(workspace);
    await checkAll(workspace);
    expect((await findingsOf(workspace)).sort()).toEqual(['sealed 1', 'sealed 2']);
  });
});

describe('a log that was pruned', () => {
  /** 1,000 entries of which 768 are pruned; nothing is wrong. */
  const prunedLog = async (): Promise<string> => {
    const workspace = v7();
    await appendFacts(service, oldFacts(workspace, 800));
    await checkAll(workspace);
    await appendMany(service, workspace, 200);
    await pruneTo(service, workspace, 768);
    await checkAll(workspace);
    expect(await detailsOf(workspace)).toEqual([]);
    return workspace;
  };

  it.each<[what: string, statement: string, finding: string]>([
    ['less than its entries say', 'UPDATE log_head SET first_index = 512 WHERE true', 'pruned 768'],
    ['nothing', 'UPDATE log_head SET first_index = 0 WHERE true', 'pruned 768'],
    ['another hash', `UPDATE subtree SET hash = sha256('x') WHERE level = 1 AND index = 1`, 'pruned 0'],
    ['a hash less', `DELETE FROM subtree WHERE level = 1 AND index = 0`, 'pruned 0'],
  ])('has %s', async (_, statement, finding) => {
    const workspace = await prunedLog();
    await sql(workspace, `${statement} AND workspace_id = $ws`);
    await found(workspace, finding);
  });

  it('by nobody but somebody who has no key to say so is found', async () => {
    const workspace = v7();
    await appendMany(service, workspace, 600);
    await verified(workspace, 600);
    await sql(workspace, 'UPDATE log_head SET first_index = 512, pruned_at = now() WHERE workspace_id = $ws');
    await sql(workspace, 'DELETE FROM entry WHERE workspace_id = $ws AND index < 512');
    await checkAll(workspace);
    expect(await findingsOf(workspace)).toEqual(
      expect.arrayContaining(['pruned 0', 'missing 0', 'missing 128', 'missing 384']),
    );
    // Somebody who writes that into an entry is found by that.
    await sql(
      workspace,
      `UPDATE entry SET type = 'log.pruned', content = $1 WHERE workspace_id = $ws AND index = 590`,
      [JSON.stringify({ size: 512, root: Buffer.alloc(32, 1).toString('base64') })],
    );
    await found(workspace, 'entry 590');
  });
});

describe('what cannot be read', () => {
  it.each<[what: string, statement: string, finding: string, detail: string]>([
    ['the frontier', `UPDATE log_head SET frontier = '\\x00'`, 'head 300', 'The tree beside the checkpoint'],
    ['the key', `UPDATE log_head SET sealed_seed = '\\x00'`, 'head 300', 'The key of the log'],
    ['the checkpoint', `UPDATE log_head SET checkpoint = 'x'`, 'head 300', 'not signed by the key'],
    [
      'all of the head',
      `UPDATE log_head SET checkpoint = '', sealed_seed = '', frontier = ''`,
      'head 300',
      'The tree beside the checkpoint',
    ],
    [
      'what was verified',
      `UPDATE self_check SET tail = '\\x00', pass = '\\x01'`,
      'progress 0',
      'What the self-check remembers',
    ],
    ['a hash of a tile', `UPDATE subtree SET hash = '\\x00'`, 'subtree 0', 'stored at level 1'],
    ['the root of a witness', '', 'cosigned 200', 'which witnesses have signed'],
    [
      'the time of an entry',
      `UPDATE entry SET index = index, at = 'infinity' WHERE index = 7 AND true`,
      'entry 7',
      'what no leaf can say',
    ],
  ])('is found: %s', async (_, statement, finding, detail) => {
    const workspace = v7();
    await appendMany(service, workspace, 300);
    await verified(workspace, 300);
    if (finding.startsWith('cosigned'))
      await sql(
        workspace,
        `INSERT INTO cosigned_checkpoint (workspace_id, size, root, checkpoint) VALUES ($ws, 200, '\\x00', '')`,
      );
    else
      await sql(
        workspace,
        `${statement} ${statement.includes('WHERE') ? 'AND' : 'WHERE'} workspace_id = $ws`,
      );
    await found(workspace, finding);
    expect((await detailsOf(workspace)).join('\n')).toContain(detail);
  });
});

describe('behind an entry that is missing', () => {
  it('everything is checked, to the end', async () => {
    const workspace = v7();
    await appendMany(service, workspace, 420);
    await verified(workspace, 420);
    await sql(workspace, 'DELETE FROM entry WHERE workspace_id = $ws AND index IN (100, 300)');
    await sql(workspace, `UPDATE entry SET content = '{}' WHERE workspace_id = $ws AND index IN (200, 419)`);
    await checkAll(workspace);
    expect(await findingsOf(workspace)).toEqual(
      expect.arrayContaining(['missing 100', 'entry 200', 'missing 300', 'entry 419']),
    );
  });

  it('without a head the entries are still checked', async () => {
    const workspace = v7();
    await appendMany(service, workspace, 300);
    await verified(workspace, 300);
    await sql(workspace, 'DELETE FROM log_head WHERE workspace_id = $ws');
    await sql(workspace, `UPDATE entry SET content = '{}' WHERE workspace_id = $ws AND index = 7`);
    await checkAll(workspace);
    expect((await findingsOf(workspace)).sort()).toEqual(['entry 7', 'head_missing 300']);
  });
});

describe('a finding that comes again', () => {
  const change = (workspace: string, leafHash: string) =>
    sql(workspace, `UPDATE entry SET leaf_hash = sha256($1) WHERE workspace_id = $ws AND index = 290`, [
      leafHash,
    ]);
  const acknowledge = (workspace: string, id: string, body: object = {}, options: object = {}) =>
    service.call('POST', `/v1/audit/self-check/findings/${id}/acknowledge`, body, { workspace, ...options });
  const open = async (workspace: string) => (await stateOf(workspace)).findings;

  it('is told once while it stays, and anew when it is another or comes back', async () => {
    const workspace = v7();
    await appendMany(service, workspace, 300);
    await verified(workspace, 300);
    const [before] = await service.sql<{ leaf_hash: Buffer }>(
      'SELECT leaf_hash FROM entry WHERE workspace_id = $1 AND index = 290',
      [workspace],
    );
    const roots = async () => (await findingsOf(workspace)).filter((finding) => finding === 'root 0').length;
    await change(workspace, 'one');
    await checkAll(workspace);
    expect([await roots(), (await told(workspace)).length]).toEqual([1, 1]);
    // What was told is in the log by now, which grows.
    await checkAll(workspace);
    await checkAll(workspace);
    expect([await roots(), (await told(workspace)).length]).toEqual([1, 1]);
    await change(workspace, 'two');
    await checkAll(workspace);
    expect([await roots(), (await told(workspace)).length]).toEqual([2, 2]);
    await sql(workspace, 'UPDATE entry SET leaf_hash = $1 WHERE workspace_id = $ws AND index = 290', [
      before!.leaf_hash,
    ]);
    await checkAll(workspace);
    expect([await roots(), (await told(workspace)).length]).toEqual([2, 2]);
    await change(workspace, 'two');
    await checkAll(workspace);
    expect([await roots(), (await told(workspace)).length]).toEqual([3, 3]);
  });

  it('does not count once it is acknowledged, but for a new one in the same place', async () => {
    const workspace = v7();
    await appendMany(service, workspace, 300);
    await verified(workspace, 300);
    const entry = async (content: string) => {
      await sql(workspace, 'UPDATE entry SET content = $1 WHERE workspace_id = $ws AND index = 7', [content]);
      await checkAll(workspace);
    };
    await entry('{"a":1}');
    const { data } = (await service.get('/v1/audit/self-check/findings', { workspace })).body;
    expect(data).toMatchObject([{ kind: 'entry', index: 7, acknowledgedAt: null, acknowledgedBy: null }]);
    const [{ id }] = data;
    expect(await open(workspace)).toBe(1);
    expect((await acknowledge(workspace, id, {}, { scopes: ['audit:read'] })).body.code).toBe(
      'insufficient_scope',
    );
    expect((await acknowledge(workspace, id, {}, { workflows: ['travel'] })).body.code).toBe(
      'workflow_not_allowed',
    );
    expect((await acknowledge(workspace, v7())).status).toBe(404);
    expect((await acknowledge(v7(), id)).status).toBe(404);
    for (let times = 0; times < 2; times += 1) {
      const { status, body } = await acknowledge(workspace, id, { reason: 'A restore' });
      expect([status, body]).toMatchObject([
        200,
        { id, acknowledgedAt: expect.any(String), acknowledgedBy: { type: 'service' } },
      ]);
    }
    expect(await open(workspace)).toBe(0);
    const facts = (await service.get('/v1/audit/entries?type=tampering.acknowledged', { workspace })).body
      .data;
    expect(facts).toMatchObject([
      {
        content: { findingId: id, kind: 'entry', index: 7 },
        sealed: [{ kind: 'reason', data: 'A restore' }],
      },
    ]);
    await checkAll(workspace);
    expect([await open(workspace), (await told(workspace)).length]).toEqual([0, 1]);
    await entry('{"a":2}');
    expect([await open(workspace), (await told(workspace)).length]).toEqual([1, 2]);
    // The first as it was, after a pass that has not found it.
    await entry('{"a":1}');
    expect([await open(workspace), (await told(workspace)).length]).toEqual([2, 3]);
    const metric = async () =>
      Number(/^countersign_selfcheck_findings (\d+)$/m.exec((await service.get('/metrics')).text)?.[1]);
    const all = async () =>
      Number((await service.sql<{ n: string }>('SELECT sum(findings) AS n FROM self_check'))[0]?.n);
    await until(async () => (await metric()) === (await all()));
  });
});

describe('two processes', () => {
  it('share the logs, and tell each finding once', async () => {
    const second = await startService({
      service: 'audit',
      module: AppModule,
      env: {
        ...env,
        DATABASE_URL: service.ownerUrl,
        REDIS_URL: process.env.TEST_REDIS_URL,
        COUNTERSIGN_SECRET_KEY: secretKey,
        SERVICE_PORT: '0',
      },
    });
    try {
      const workspaces = Array.from({ length: 6 }, () => v7());
      for (const workspace of workspaces) await appendMany(service, workspace, 600);
      await Promise.all(workspaces.map(checkAll));
      for (const workspace of workspaces)
        await sql(
          workspace,
          `UPDATE entry SET content = '{}' WHERE workspace_id = $ws AND index IN (5, 500)`,
        );
      await Promise.all(workspaces.map(checkAll));
      await Promise.all(workspaces.map(checkAll));
      for (const workspace of workspaces) {
        expect((await findingsOf(workspace)).sort()).toEqual(['entry 5', 'entry 500']);
        expect((await told(workspace)).map(({ data }: { data: { count: number } }) => data.count)).toEqual([
          2,
        ]);
        const entries = await service.get('/v1/audit/entries?type=audit.tampered', { workspace });
        expect(entries.body.data.length).toBe(1);
      }
      const checked = async (port: number) => {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        return Number(/^countersign_selfcheck_entries_total (\d+)$/m.exec(text)?.[1]);
      };
      for (const port of [service.port, second.port]) expect(await checked(port)).toBeGreaterThan(600);
    } finally {
      await second.stop();
    }
  }, 120_000);
});
