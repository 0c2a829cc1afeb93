import type { JobData } from '@countersign/contracts';
import { roleOf } from '@countersign/persistence';
import { v7 } from 'uuid';
import { json, Resolver } from '../../test/resolver';
import { resolverQuestion } from '../../test/resolver-question';
import { TestService } from '../../test/test-service';
import { forgetKeptAnswers } from './kept-answer.store';
import type { CallRecord } from './resolver-call.store';

type Question = JobData<'approvers.resolve.v1'>;

describe('an answer that its webhook lets us keep', () => {
  let service: TestService;
  let ann = '';
  const resolvers: Resolver[] = [];

  beforeAll(async () => {
    service = await TestService.start({ COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8' });
    ann = await service.user('ann@test', { displayName: 'Ann' });
  });
  afterAll(async () => {
    await service.stop();
    await Promise.all(resolvers.map((one) => one.close()));
  });

  const answering = async (answer: unknown): Promise<Resolver> => {
    const started = await Resolver.start(json(answer));
    resolvers.push(started);
    return started;
  };
  const webhook = (url: string, format = 'countersign') => ({ webhook: { url, format, timeout: 'PT10S' } });
  const resolve = async (url: string, more: Partial<Question> = {}, workspaceId = service.workspaceId) => {
    const asked = resolverQuestion([webhook(url)], more);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked, workspaceId));
    const { resolutionId, approvers, skipped } = await service.resolved(asked.resolutionId);
    const [row] = await service.rows<{ evidence: CallRecord[] }>(
      'SELECT evidence FROM resolution WHERE id = $1',
      [resolutionId],
    );
    return {
      who: approvers.map(({ person, why }) => [person.displayName, ...why]),
      skipped,
      evidence: row?.evidence ?? [],
    };
  };

  it('answers the same question of another request, and the evidence says since when it is known', async () => {
    const target = await answering({ approvers: [ann], ttl: 'PT1H' });
    const first = await resolve(target.url);
    // The same members in another order.
    const second = await resolve(target.url, { payload: { value: { region: 'EMEA', amount: 5 } } });
    expect(target.received).toHaveLength(1);
    expect(second.who).toEqual([['Ann', `Named by ${target.shown}`]]);
    expect(second.who).toEqual(first.who);
    const [call] = first.evidence;
    expect(call).toMatchObject({ result: 'answered', refs: [ann] });
    expect(call?.keptFrom).toBeUndefined();
    expect(second.evidence).toEqual([
      {
        url: target.url,
        format: 'countersign',
        attempt: 1,
        at: expect.any(String),
        status: null,
        latencyMs: null,
        result: 'kept',
        requestHash: call?.requestHash,
        answerHash: call?.answerHash,
        refs: [ann],
        keptFrom: call?.at,
      },
    ]);
    expect(await service.rows('SELECT 1 FROM resolver_call')).toEqual([]);
  });

  it('answers no other question, no other webhook and no other workspace', async () => {
    const target = await answering({ approvers: [ann], ttl: 'PT1H' });
    await resolve(target.url);
    const { requester } = resolverQuestion([]);
    const others: Partial<Question>[] = [
      { title: 'Another' },
      { reason: null },
      { payload: { value: { amount: 6, region: 'EMEA' } } },
      { stageKey: 'finance' },
      { stageIndex: 1 },
      { requester: { ...requester, id: v7() } },
      { workflow: { key: 'purchase-order', version: 1 } },
      { workflow: { key: 'purchase-order', version: 2 } },
      { externalRef: 'PO-1' },
      { metadata: { plant: 'Ulm' } },
    ];
    for (const [n, more] of others.entries()) {
      await resolve(target.url, more);
      expect(target.received).toHaveLength(2 + n);
    }
    const asked = target.received.length;
    await resolve(`${target.url}&other=1`);
    await resolve(target.url, {}, v7());
    expect(target.received).toHaveLength(asked + 2);
    for (const more of others) await resolve(target.url, more);
    expect(target.received).toHaveLength(asked + 2);
  }, 30_000);

  it.each([
    ['no ttl', { approvers: ['ann@test'] }],
    ['a ttl of null', { approvers: ['ann@test'], ttl: null }],
    ['a ttl of nothing', { approvers: ['ann@test'], ttl: 'PT0S' }],
    ['a ttl, but nobody in it', { approvers: [], ttl: 'PT1H' }],
    [
      'a ttl, and more than 64 KiB',
      { approvers: Array.from({ length: 1_000 }, () => v7().repeat(2)), ttl: 'PT1H' },
    ],
  ])('is not one with %s', async (_, answer) => {
    const target = await answering(answer);
    await resolve(target.url);
    await resolve(target.url);
    expect(target.received).toHaveLength(2);
    expect(target.received[0]?.text).not.toBe(target.received[1]?.text);
  });

  it('names people who are looked up anew each time', async () => {
    const ben = await service.user('ben@test', { displayName: 'Ben' });
    const target = await answering({ approvers: ['ben@test', ann], ttl: 'PT1H' });
    expect((await resolve(target.url)).who.map(([name]) => name)).toEqual(['Ben', 'Ann']);
    await service.call('PATCH', `/scim/v2/Users/${ben}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    });
    const { who, skipped } = await resolve(target.url);
    expect(who.map(([name]) => name)).toEqual(['Ann']);
    expect(skipped).toEqual([{ ref: 'ben@test', why: 'is not active' }]);
    expect(target.received).toHaveLength(1);
  });

  it('serves every process, also after a restart', async () => {
    const target = await answering({ approvers: [ann], ttl: 'PT1H' });
    await resolve(target.url);
    await service.halt();
    await service.launch();
    expect((await resolve(target.url)).evidence).toMatchObject([{ result: 'kept' }]);
    expect(target.received).toHaveLength(1);
  });

  it('holds for a day at most, then it is asked for again, and forgotten', async () => {
    await service.rows('TRUNCATE resolver_answer');
    const target = await answering({ approvers: [ann], ttl: 'P900000D' });
    await resolve(target.url);
    const [kept] = await service.rows(
      `SELECT expires_at > now() + interval '23 hours' AND expires_at <= now() + interval '24 hours' AS "isADay"
         FROM resolver_answer`,
    );
    expect(kept).toEqual({ isADay: true });
    await service.rows('UPDATE resolver_answer SET expires_at = now()');
    await resolve(target.url);
    expect(target.received).toHaveLength(2);
    await resolve(target.url);
    expect(target.received).toHaveLength(2);

    const forget = async () => {
      await service.rows(`SET ROLE ${roleOf('approver_resolution', 'relay')}`);
      await service.rows(forgetKeptAnswers);
      await service.rows('RESET ROLE');
      return (await service.rows('SELECT 1 FROM resolver_answer')).length;
    };
    expect(await forget()).toBe(1);
    await service.rows('UPDATE resolver_answer SET expires_at = now()');
    expect(await forget()).toBe(0);
  });

  it('shows nothing of the question, and no other workspace sees it', async () => {
    await service.rows('TRUNCATE resolver_answer');
    const target = await answering({ approvers: [ann], ttl: 'PT1H' });
    await resolve(target.url, { payload: { value: { iban: 'DE89370400440532013000' } } });
    const [row] = await service.rows<{ text: string; digest: Buffer }>(
      'SELECT a::text AS text, key AS digest FROM resolver_answer a',
    );
    expect(row?.digest).toHaveLength(32);
    expect(row?.text).not.toMatch(/DE89|127\.0\.0\.1/);
    const seenBy = async (workspaceId: string) => {
      await service.rows('BEGIN');
      await service.rows(`SET LOCAL ROLE ${roleOf('approver_resolution', 'app')}`);
      await service.rows(`SELECT set_config('app.workspaces', $1, true)`, [workspaceId]);
      const rows = await service.rows('SELECT 1 FROM resolver_answer');
      await service.rows('COMMIT');
      return rows.length;
    };
    expect([await seenBy(service.workspaceId), await seenBy(v7())]).toEqual([1, 0]);
  });
});
