import type { ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { JobData } from '@countersign/contracts';
import { Webhook } from 'standardwebhooks';
import { v7 } from 'uuid';
import { json, Resolver } from '../../test/resolver';
import { resolverQuestion } from '../../test/resolver-question';
import { TestService } from '../../test/test-service';

type Question = JobData<'approvers.resolve.v1'>;

/** The request of the EasyLife document, as it is printed there. */
const document = JSON.parse(
  readFileSync(path.join(__dirname, '../../../../libs/workflow/test/easylife-guest-request.json'), 'utf8'),
) as Record<string, unknown> & {
  title: string;
  reason: string;
  requestorId: string;
  Key: string;
  TenantId: string;
};

describe('resolver webhooks', () => {
  let service: TestService;
  let secret = '';
  let [ann, ben, alice] = ['', '', ''];
  const resolvers: Resolver[] = [];
  const resolver = async (answer: Parameters<typeof Resolver.start>[0]): Promise<Resolver> => {
    const started = await Resolver.start(answer);
    resolvers.push(started);
    return started;
  };

  beforeAll(async () => {
    service = await TestService.start({
      COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8',
      COUNTERSIGN_RESOLVER_RETRY: 'PT0.05S,PT0.1S,PT0.15S',
    });
    ann = await service.user('ann@test', {
      displayName: 'Ann',
      externalId: '974d3b91-22dd-4851-9987-10ebbfb08737',
    });
    ben = await service.user('ben@test', { displayName: 'Ben' });
    alice = await service.user('alice@test', { displayName: 'Alice', externalId: document.requestorId });
    const rotated = await service.call<{ secret: string }>('POST', '/v1/resolver-secret/rotate');
    secret = rotated.body.secret;
  });
  afterAll(async () => {
    await service.stop();
    await Promise.all(resolvers.map((one) => one.close()));
  });

  const question = (sources: Record<string, unknown>[], more: Partial<Question> = {}): Question => {
    const { requester, ...rest } = resolverQuestion(sources);
    return {
      ...rest,
      requester: { ...requester, id: alice, externalId: document.requestorId },
      payload: { value: { amount: 5 } },
      ...more,
    };
  };
  const webhook = (url: string, timeout = 'PT10S', format = 'easylife') => ({
    webhook: { url, format, timeout },
  });
  const ownWebhook = (url: string, timeout = 'PT10S') => webhook(url, timeout, 'countersign');
  const resolve = async (
    sources: Record<string, unknown>[],
    more: Partial<Question> = {},
    workspaceId = service.workspaceId,
  ) => {
    const asked = question(sources, more);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked, workspaceId));
    const answer = await service.resolved(asked.resolutionId, 20_000);
    return { ...answer, who: answer.approvers.map(({ person }) => person.displayName) };
  };
  const evidence = async (resolutionId: string) => {
    const [row] = await service.rows<{
      evidence: { attempt: number; status: number | null; result: string }[];
    }>('SELECT evidence FROM resolution WHERE id = $1', [resolutionId]);
    return row?.evidence ?? [];
  };

  it('sends exactly the body of the EasyLife document, signed, and takes the ids of its answer', async () => {
    const target = await resolver(
      json(['974d3b91-22dd-4851-9987-10ebbfb08737', 'bb87b3cf-9d8e-4dfc-b9e6-aba0f9b4acb7']),
    );
    const { guestRequest, resourceType, approvalResourceType } = document;
    const workspaceId = document.TenantId;
    const workspaceSecret = await service.call<{ secret: string }>(
      'POST',
      '/v1/resolver-secret/rotate',
      undefined,
      {},
      workspaceId,
    );
    await service.user(
      'ann@easylife.test',
      { displayName: 'Ann', externalId: '974d3b91-22dd-4851-9987-10ebbfb08737' },
      workspaceId,
    );
    const answer = await resolve(
      [webhook(target.url)],
      {
        resolutionId: document.Key,
        title: document.title,
        reason: document.reason,
        stageIndex: 0,
        totalStages: 0,
        payload: { value: { guestRequest, resourceType, approvalResourceType } },
      },
      workspaceId,
    );
    expect(answer.who).toEqual(['Ann']);
    expect(answer.approvers[0]).toMatchObject({ why: [`Named by ${target.shown}`], sources: [0] });
    expect(answer.skipped).toEqual([
      {
        ref: 'bb87b3cf-9d8e-4dfc-b9e6-aba0f9b4acb7',
        why: 'nobody in the directory has this id, externalId or userName',
      },
    ]);
    const [received] = target.received;
    expect(target.received).toHaveLength(1);
    expect(JSON.parse(received?.text ?? '')).toEqual(document);
    expect(received?.headers['content-type']).toBe('application/json');
    expect(received?.headers['webhook-id']).toBe(document.Key);
    expect(received?.headers.traceparent).toMatch(/^00-/);
    expect(
      new Webhook(workspaceSecret.body.secret).verify(received?.text ?? '', received?.headers ?? {}),
    ).toEqual(document);
  });

  it('signs with the new and the old secret for a day after a rotation', async () => {
    const target = await resolver(json([ann]));
    const old = secret;
    secret = (await service.call<{ secret: string }>('POST', '/v1/resolver-secret/rotate')).body.secret;
    await resolve([webhook(target.url)]);
    await service.rows(`UPDATE resolver_secret SET retires_at = now() WHERE retires_at IS NOT NULL`);
    await resolve([webhook(target.url)]);
    const verifies = (key: string) =>
      target.received.map(({ text, headers }) => {
        try {
          return Boolean(new Webhook(key).verify(text, headers));
        } catch {
          return false;
        }
      });
    expect(verifies(secret)).toEqual([true, true]);
    expect(verifies(old)).toEqual([true, false]);
  });

  it('signs the calls of a workspace that has never asked for its secret', async () => {
    const target = await resolver(json([]));
    const workspaceId = v7();
    await resolve([webhook(target.url)], {}, workspaceId);
    expect(target.received[0]?.headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
  });

  it('lets our members win over those of the payload, and sends ids of people without an externalId', async () => {
    const target = await resolver(json([ann]));
    const asked = {
      title: 'payload',
      state: 7,
      Key: 'payload',
      TenantId: 'payload',
      participants: [],
      extra: { deep: [1] },
    };
    const { resolutionId } = await resolve([webhook(target.url)], {
      reason: null,
      stageIndex: 1,
      payload: { value: asked },
      requester: { ...question([]).requester, externalId: null },
    });
    expect(JSON.parse(target.received[0]?.text ?? '')).toEqual({
      extra: { deep: [1] },
      title: 'Title',
      reason: null,
      requestorId: alice,
      participants: [alice],
      stage: 1,
      totalStages: 2,
      state: 1,
      Key: resolutionId,
      TenantId: service.workspaceId,
    });
  });

  it('joins the answer with other sources, leaving out who is excluded, inactive or named twice', async () => {
    const cat = await service.user('cat@test', { displayName: 'Cat', active: false });
    const target = await resolver(json([alice, 'BEN@test', ann, cat, ann]));
    const answer = await resolve([{ user: 'ben@test' }, webhook(target.url)], { exclude: [alice] });
    expect(answer.approvers.map(({ person, why, sources }) => [person.displayName, why, sources])).toEqual([
      ['Ben', ['Named in the workflow', `Named by ${target.shown}`], [0, 1]],
      ['Ann', [`Named by ${target.shown}`], [1]],
    ]);
    expect(answer.skipped).toEqual([
      { ref: alice, why: 'may not approve their own request' },
      { ref: cat, why: 'is not active' },
    ]);
    expect(await service.rows('SELECT 1 FROM resolver_call')).toEqual([]);
  });

  it.each([
    ['500', (response: ServerResponse) => void response.writeHead(500).end('oops')],
    ['429', (response: ServerResponse) => void response.writeHead(429).end()],
    ['a connection that breaks', (response: ServerResponse) => void response.destroy()],
    [
      'half an answer',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('[', () => response.destroy());
      },
    ],
  ])('tries again after %s, with the same body and Key', async (_, fail) => {
    const target = await resolver((response, nth) => (nth < 3 ? fail(response) : json([ben])(response)));
    const answer = await resolve([webhook(target.url)]);
    expect([answer.who, answer.note]).toEqual([['Ben'], null]);
    expect(target.received).toHaveLength(3);
    expect(new Set(target.received.map(({ text }) => text)).size).toBe(1);
    expect(new Set(target.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const { text, headers } of target.received)
      expect(() => new Webhook(secret).verify(text, headers)).not.toThrow();
    expect((await evidence(answer.resolutionId)).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('gives up after four attempts, each no sooner than its time', async () => {
    const target = await resolver((response) => response.writeHead(503).end());
    const answer = await resolve([webhook(target.url), { user: 'ann@test' }]);
    expect(answer.who).toEqual(['Ann']);
    expect(answer.note).toBe(`${target.shown} answered 503. It was tried 4 times.`);
    expect(target.received).toHaveLength(4);
    const gaps = target.received.slice(1).map(({ at }, n) => at - (target.received[n]?.at ?? 0));
    expect(gaps.map((gap, n) => gap >= 50 * (n + 1) - 5)).toEqual([true, true, true]);
    expect((await evidence(answer.resolutionId)).map(({ status }) => status)).toEqual([503, 503, 503, 503]);
  });

  it('tries again when there is no answer in time', async () => {
    const target = await resolver((response, nth) => void (nth > 1 && json([ann])(response)));
    const answer = await resolve([webhook(target.url, 'PT0.3S')]);
    expect(answer.who).toEqual(['Ann']);
    expect((await evidence(answer.resolutionId)).map(({ result }) => result)).toEqual([
      'timeout',
      'answered',
    ]);
  });

  it('says that it never got an answer in time', async () => {
    const target = await resolver(() => undefined);
    const answer = await resolve([webhook(target.url, 'PT0.1S')]);
    expect(answer).toMatchObject({
      approvers: [],
      note: `${target.shown} did not answer within 0.1 s. It was tried 4 times.`,
    });
  });

  it('says that nobody is there', async () => {
    const target = await Resolver.start(() => undefined);
    await target.close();
    const answer = await resolve([webhook(target.url)]);
    expect(answer.approvers).toEqual([]);
    expect(answer.note).toMatch(/could not be reached: .*ECONNREFUSED.* It was tried 4 times\./s);
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    [
      'garbage',
      (response) => response.end('\u0000\u0001 not json'),
      'answered with something that is not JSON.',
    ],
    [
      'HTML',
      (response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Sign in</p>'),
      'answered with something that is not JSON.',
    ],
    ['nothing', (response) => response.end(), 'answered with something that is not JSON.'],
    ['an object', json({ approvers: ['x'] }), 'answered with something that is not a list of ids.'],
    ['numbers', json([1, 2]), 'answered with something that is not a list of ids.'],
    ['an empty list', json([]), 'answered with an empty list.'],
    [
      '10,000 ids',
      json(Array.from({ length: 10_000 }, () => v7())),
      'answered with 10000 ids; 1000 are the most.',
    ],
    ['more than 1 MiB', json(['x'.repeat(1024 * 1024)]), 'answered with more than 1 MiB.'],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      'answered 302: redirects are not followed.',
    ],
    ['201', (response) => response.writeHead(201).end('["x"]'), 'answered 201 instead of 200.'],
    ['404', (response) => response.writeHead(404).end(), 'answered 404 instead of 200.'],
  ])('counts %s as nobody at once', async (_, reply, note) => {
    const target = await resolver(reply);
    const answer = await resolve([webhook(target.url)]);
    expect(answer).toMatchObject({ approvers: [], note: `${target.shown} ${note}` });
    expect(target.received).toHaveLength(1);
  });

  it('counts an answer that is no HTTP as nobody at once', async () => {
    const target = await resolver((response) => response.socket?.end('SSH-2.0-OpenSSH\r\n'));
    const answer = await resolve([webhook(target.url)]);
    expect(answer.approvers).toEqual([]);
    expect(answer.note).toContain('did not answer in HTTP');
  });

  it.each([
    'http://10.0.0.1/approvers',
    'http://[::1]:1/',
    'ftp://example.com/',
    'no url',
    'http://user:pw@127.0.0.1/',
    'http://0xa.1/',
    'http://167772161/',
    'http://[::ffff:10.0.0.1]/',
    'http://[64:ff9b::a00:1]/',
    'http://169.254.169.254/latest/meta-data/',
  ])('never calls %s', async (url) => {
    const answer = await resolve([webhook(url)]);
    expect(answer.approvers).toEqual([]);
    expect(answer.note).toContain('may not be called');
  });

  it('takes 1,000 ids, known and unknown', async () => {
    const unknown = Array.from({ length: 998 }, () => v7());
    const target = await resolver(json([...unknown, ann, 'no\u0000body']));
    const answer = await resolve([webhook(target.url)]);
    expect(answer.who).toEqual(['Ann']);
    expect(answer.skipped).toHaveLength(100);
  });

  it('asks several webhooks of a stage, and again only those that failed', async () => {
    const good = await resolver(json([ann]));
    const late = await resolver((response, nth) =>
      nth === 1 ? response.writeHead(500).end() : json([ben])(response),
    );
    const answer = await resolve([webhook(late.url), webhook(good.url)]);
    expect(answer.who).toEqual(['Ben', 'Ann']);
    expect([good.received.length, late.received.length]).toEqual([1, 2]);
  });

  describe('of the format countersign', () => {
    it('are sent request, stage and resolution, signed, and answer with approvers', async () => {
      const target = await resolver((response, nth) =>
        nth === 1
          ? response.writeHead(503).end()
          : json({ approvers: [ann, 'BEN@test', 'ghost'], ttl: 'PT1H', more: 1 })(response),
      );
      const payload = { value: { amount: 5, text: 'a\u0000b\ud800' } };
      const answer = await resolve([ownWebhook(target.url)], { stageIndex: 1, payload });
      expect(answer.approvers.map(({ person, why, sources }) => [person.displayName, why, sources])).toEqual([
        ['Ann', [`Named by ${target.shown}`], [0]],
        ['Ben', [`Named by ${target.shown}`], [0]],
      ]);
      expect(answer.skipped).toMatchObject([{ ref: 'ghost' }]);
      expect(target.received).toHaveLength(2);
      expect(new Set(target.received.map(({ text }) => text)).size).toBe(1);
      for (const { text, headers } of target.received) {
        expect(headers['webhook-id']).toBe(answer.resolutionId);
        expect(new Webhook(secret).verify(text, headers)).toEqual({
          request: {
            id: answer.requestId,
            workflow: null,
            title: 'Title',
            reason: 'Reason',
            requester: {
              id: alice,
              externalId: document.requestorId,
              userName: 'alice@test',
              displayName: 'Alice',
            },
            externalRef: null,
            metadata: {},
            payload: payload.value,
          },
          stage: { key: 'owner', index: 1, total: 2 },
          resolutionId: answer.resolutionId,
        });
      }
    });

    it('are told of the workflow, and what the request carries for its system', async () => {
      const target = await resolver(json({ approvers: [ann] }));
      const told = {
        workflow: { key: 'purchase-order', version: 3 },
        externalRef: 'PO-17',
        metadata: { plant: 'Ulm' },
      };
      await resolve([ownWebhook(target.url)], told);
      expect(JSON.parse(target.received[0]?.text ?? '')).toMatchObject({ request: told });
    });

    it.each([
      ['a list', [v7()], 'something that has no list of ids as "approvers".'],
      ['null', null, 'something that has no list of ids as "approvers".'],
      ['numbers', { approvers: [1] }, 'something that has no list of ids as "approvers".'],
      ['nobody', { approvers: [], ttl: null }, 'an empty list.'],
      [
        'a ttl in words',
        { approvers: ['ann@test'], ttl: 'an hour' },
        'a "ttl" that is not an ISO 8601 duration.',
      ],
      [
        'a ttl in seconds',
        { approvers: ['ann@test'], ttl: 3600 },
        'a "ttl" that is not an ISO 8601 duration.',
      ],
      ['1,001 ids', { approvers: Array.from({ length: 1_001 }, () => 'x') }, '1001 ids; 1000 are the most.'],
    ])('count %s as nobody at once', async (_, reply, note) => {
      const target = await resolver(json(reply));
      const answer = await resolve([ownWebhook(target.url)]);
      expect(answer).toMatchObject({ approvers: [], note: `${target.shown} answered with ${note}` });
      expect(target.received).toHaveLength(1);
    });

    it('are asked beside one of the other format at the same address', async () => {
      const target = await resolver((response, nth) => {
        const { text } = target.received[nth - 1] ?? { text: '' };
        json('resolutionId' in (JSON.parse(text) as object) ? { approvers: [ben] } : [ann])(response);
      });
      const answer = await resolve([webhook(target.url), ownWebhook(target.url), webhook(target.url)]);
      expect(answer.approvers.map(({ person, sources }) => [person.displayName, sources])).toEqual([
        ['Ann', [0, 2]],
        ['Ben', [1]],
      ]);
      expect(target.received).toHaveLength(2);
    });
  });

  it('takes up a call whose process has died in the middle, and lets the dead one say nothing', async () => {
    let release: () => void = () => undefined;
    const target = await resolver((response, nth) => {
      if (nth === 1) release = () => json([ann])(response);
      else json([ben])(response);
    });
    const asked = question([webhook(target.url)]);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked));
    await service.eventually(async () => target.received.length === 1);
    await service.rows('UPDATE resolver_call SET due_at = now() WHERE resolution_id = $1', [
      asked.resolutionId,
    ]);
    const answer = await service.resolved(asked.resolutionId);
    expect(answer.approvers.map(({ person }) => person.displayName)).toEqual(['Ben']);
    release();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const answers = (await service.sent('approvers.resolved.v1')).filter(
      ({ data }) => data.resolutionId === asked.resolutionId,
    );
    expect(answers).toHaveLength(1);
  });

  it('stops within seconds in the middle of a call, which is made again after the next start', async () => {
    const target = await resolver((response, nth) => void (nth > 1 && json([ann])(response)));
    const asked = question([webhook(target.url, 'PT30S')]);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked));
    await service.eventually(async () => target.received.length === 1);
    const stopping = Date.now();
    await service.halt();
    expect(Date.now() - stopping).toBeLessThan(5_000);
    const [row] = await service.rows<{ state: string; attempt: number }>(
      'SELECT state, attempt FROM resolver_call',
    );
    expect(row).toEqual({ state: 'waiting', attempt: 0 });
    await service.launch();
    expect((await service.resolved(asked.resolutionId)).approvers).toMatchObject([{ person: { id: ann } }]);
    expect((await evidence(asked.resolutionId)).map(({ result }) => result)).toEqual(['aborted', 'answered']);
  });

  it('keeps what was sent and answered as evidence, attempt by attempt', async () => {
    const target = await resolver((response, nth) =>
      nth === 1 ? response.writeHead(503).end('busy') : json([ann, 'x'.repeat(300)])(response),
    );
    const { resolutionId } = await resolve([webhook(target.url)]);
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    const same = { url: target.url, format: 'easylife', result: 'answered' };
    const requestHash = sha256(target.received[0]?.text ?? '');
    const record = { ...same, at: expect.any(String), latencyMs: expect.any(Number), requestHash };
    const refs = [ann, 'x'.repeat(256)];
    expect(await evidence(resolutionId)).toEqual([
      { ...record, attempt: 1, status: 503, answerHash: sha256('busy') },
      {
        ...record,
        attempt: 2,
        status: 200,
        answerHash: sha256(JSON.stringify([ann, 'x'.repeat(300)])),
        refs,
      },
    ]);
  });

  it('never lets calls outside get in the way of what the directory answers', async () => {
    const another = v7();
    const silent = await Promise.all(Array.from({ length: 10 }, () => resolver(() => undefined)));
    const outside = Array.from({ length: 200 }, (_, n) =>
      question([webhook(silent[n % 10]?.url ?? '', 'PT30S')]),
    );
    await service.send(
      'approver-resolution',
      ...outside.map((data) => service.envelope('approvers.resolve.v1', data, another)),
    );
    await service.eventually(async () => silent.some(({ received }) => received.length > 0));
    for (let n = 0; n < 20; n++) expect((await resolve([{ user: 'ann@test' }])).who).toEqual(['Ann']);
    const unsettled = await service.rows("SELECT 1 FROM resolution WHERE state = 'calling'");
    expect(unsettled).toHaveLength(outside.length);
    await service.rows('TRUNCATE resolver_call');
  });

  it('lets a slow host delay no other', async () => {
    const slow = await resolver((response) => void setTimeout(() => json([ann])(response), 1_000));
    const quick = await resolver(json([ben]));
    const behind = Array.from({ length: 40 }, () => question([webhook(slow.url)]));
    await service.send(
      'approver-resolution',
      ...behind.map((data) => service.envelope('approvers.resolve.v1', data)),
    );
    await service.eventually(async () => slow.received.length === 8);
    const start = Date.now();
    await resolve([webhook(quick.url)]);
    expect(Date.now() - start).toBeLessThan(1_000);
    for (const { resolutionId } of behind)
      expect((await service.resolved(resolutionId, 20_000)).approvers).toHaveLength(1);
  }, 30_000);
});
