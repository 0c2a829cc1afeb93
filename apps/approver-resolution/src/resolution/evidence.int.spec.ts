import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JobData, ResolutionEvidence } from '@countersign/contracts';
import { resolverQuestion } from '../../test/resolver-question';
import { TestService } from '../../test/test-service';

type Question = JobData<'approvers.resolve.v1'>;

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const extension = 'urn:countersign:scim:schemas:1.0:User';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the evidence of a resolution', () => {
  let service: TestService;
  let [boss, ann, ben, cleo, finance] = ['', '', '', '', ''];
  let server: Server;
  let url = '';
  const received: string[] = [];
  const answers: [number, string][] = [];
  beforeAll(async () => {
    service = await TestService.start({
      COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8',
      COUNTERSIGN_RESOLVER_RETRY: 'PT0.05S,PT0.05S,PT0.05S',
    });
    boss = await service.user('boss@test', {
      roles: [{ value: 'signer' }],
      [extension]: { approvalLimit: 500 },
    });
    ann = await service.user('ann@test', { [enterprise]: { manager: { value: boss } } });
    ben = await service.user('ben@test', { active: false });
    cleo = await service.user('cleo@test');
    finance = await service.group('finance', [boss, ben, ann]);
    server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => (text += part));
      request.on('end', () => {
        received.push(text);
        const [status, body] = answers.shift() ?? [500, 'out of answers'];
        response.writeHead(status).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/approvers`;
  });
  afterAll(async () => {
    await service.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const resolve = async (
    sources: Record<string, unknown>[],
    rules?: Question['rules'],
  ): Promise<ResolutionEvidence> => {
    const { requester } = resolverQuestion([]);
    const question = resolverQuestion(sources, {
      totalStages: 1,
      rules,
      exclude: [ann],
      reason: null,
      requester: { ...requester, id: ann, userName: 'ann@test', displayName: 'Ann', manager: boss },
      payload: { value: { amount: 5 } },
    });
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', question));
    const { evidence } = await service.resolved(question.resolutionId, 20_000);
    if (!evidence) throw new Error('an answer without evidence');
    return evidence;
  };
  const webhook = (more = '') => ({ webhook: { url: `${url}${more}`, format: 'easylife', timeout: 'PT5S' } });

  it('says of each rule what it is, and whom it names whether they may approve or not', async () => {
    const { sources, directoryVersion, at } = await resolve(
      [
        { user: 'cleo@test' },
        { user: 'boss@test', by: 'payload.owners' },
        { user: 'ghost@test', by: 'payload.owners' },
        { user: 'ben@test', by: 'payload.owners' },
        { group: 'finance' },
        { role: 'signer' },
        { manager: { of: ann, levels: 3 } },
        { manager: { of: ann, untilLimit: 400 } },
        { manager: { of: ann, untilLimit: 4_000 } },
      ],
      [
        { rule: 'approvers.0', count: 1 },
        { rule: 'approvers.1', count: 3 },
        { rule: 'approvers.2.matrix.1.to.0', count: 1 },
        { rule: 'approvers.3', count: 1 },
        { rule: 'approvers.4', count: 1 },
        { rule: 'quorum.each.0', count: 1 },
        { rule: 'quorum.each.1', count: 1 },
      ],
    );
    // Five changes made this directory.
    expect(directoryVersion).toBe(5);
    expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
    const members = [boss, ann, ben].sort();
    expect(sources).toEqual([
      { rule: 'approvers.0', kind: 'user', refs: 1, named: 1, people: [cleo] },
      { rule: 'approvers.1', kind: 'user', refs: 3, named: 2, people: [boss, ben] },
      {
        rule: 'approvers.2.matrix.1.to.0',
        kind: 'group',
        refs: 1,
        named: 3,
        people: members,
        groups: [{ id: finance, version: 1 }],
      },
      { rule: 'approvers.3', kind: 'role', refs: 1, named: 1, people: [boss] },
      { rule: 'approvers.4', kind: 'levels', refs: 1, named: 1, people: [boss], of: [ann], levels: 3 },
      { rule: 'quorum.each.0', kind: 'limit', refs: 1, named: 1, people: [boss], of: [ann] },
      { rule: 'quorum.each.1', kind: 'limit', refs: 1, named: 0, people: [], of: [ann] },
    ]);
  });

  it('has every attempt at a webhook, with the hashes of what was sent and answered, and no query', async () => {
    const good = JSON.stringify(['cleo@test', 'nobody@test']);
    answers.push([503, 'busy'], [200, good]);
    const { sources } = await resolve(
      [webhook('?token=hidden'), { user: 'boss@test' }],
      [
        { rule: 'approvers.0', count: 1 },
        { rule: 'approvers.1', count: 1 },
      ],
    );
    const [body = ''] = received;
    expect(received).toEqual([body, body]);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
    const call = { at: time, latencyMs: expect.any(Number) as number, requestHash: sha256(body) };
    expect(sources).toEqual([
      {
        rule: 'approvers.0',
        kind: 'webhook',
        refs: 2,
        named: 1,
        people: [cleo],
        webhook: {
          url,
          format: 'easylife',
          answered: ['cleo@test', 'nobody@test'],
          calls: [
            { ...call, attempt: 1, status: 503, result: 'answered', answerHash: sha256('busy') },
            { ...call, attempt: 2, status: 200, result: 'answered', answerHash: sha256(good) },
          ],
        },
      },
      { rule: 'approvers.1', kind: 'user', refs: 1, named: 1, people: [boss] },
    ]);
  });

  it('has the calls of a webhook that never gave an answer which counts', async () => {
    answers.push([200, '{"no": "list"}']);
    const { sources } = await resolve([webhook()], [{ rule: 'onNoApprovers.fallback.0', count: 1 }]);
    expect(sources).toMatchObject([
      { refs: 0, named: 0, people: [], webhook: { answered: null, calls: [{ status: 200, attempt: 1 }] } },
    ]);
  });

  it('is bounded: of a thousand members and refs the first hundred are listed, and all are counted', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => `nobody${n}@test`);
    answers.push([200, JSON.stringify(many)]);
    const crowd = await service.users(Array.from({ length: 120 }, (_, n) => `crowd${n}@test`));
    await service.group('crowd', crowd);
    const { sources } = await resolve(
      [webhook(), { group: 'crowd' }],
      [
        { rule: 'approvers.0', count: 1 },
        { rule: 'approvers.1', count: 1 },
      ],
    );
    expect(sources[0]).toMatchObject({ refs: 1_000, named: 0, webhook: { answered: many.slice(0, 100) } });
    expect(sources[1]).toMatchObject({ refs: 1, named: 120, people: crowd.sort().slice(0, 100) });
  });

  it('of a question that does not say its rules is the version alone', async () => {
    const { sources, directoryVersion } = await resolve([{ user: 'boss@test' }]);
    expect(sources).toEqual([]);
    expect(directoryVersion).toBeGreaterThan(0);
  });

  it('is what a preview shows too: a webhook would be asked', async () => {
    const { body } = await service.call<{ evidence: ResolutionEvidence }>('POST', '/v1/approvers/preview', {
      approvers: [{ group: 'finance' }, { webhook: { url: `${url}?token=hidden` } }],
      requester: 'ann@test',
      payload: {},
    });
    const before = received.length;
    expect(body.evidence.sources).toEqual([
      expect.objectContaining({ rule: 'approvers.0', groups: [{ id: finance, version: 1 }], named: 3 }),
      {
        rule: 'approvers.1',
        kind: 'webhook',
        refs: 0,
        named: null,
        people: [],
        webhook: { url, format: 'easylife', answered: null, calls: [] },
      },
    ]);
    expect(received).toHaveLength(before);
  });
});
