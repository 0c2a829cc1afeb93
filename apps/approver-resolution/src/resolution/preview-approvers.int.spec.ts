import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApproverAnswer, JobData } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { resolverQuestion } from '../../test/resolver-question';
import { TestService } from '../../test/test-service';
import { sourcesQuestion } from './resolution-question';
import { resolveSources } from './resolve-sources';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const countersign = 'urn:countersign:scim:schemas:1.0:User';
type Preview = JobData<'approvers.preview.v1'>;
type Question = Preview['questions'][number];

describe('previews of approvers', () => {
  let service: TestService;
  let [boss, ann, ben] = ['', '', ''];
  beforeAll(async () => {
    service = await TestService.start({ COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8' });
    boss = await service.user('boss@test', {
      displayName: 'Boss',
      roles: ['signer'],
      [countersign]: { approvalLimit: 5_000 },
    });
    ann = await service.user('ann@test', { displayName: 'Ann', [enterprise]: { manager: boss } });
    ben = await service.user('ben@test', { displayName: 'Ben', active: false });
    await service.group('finance', [boss, ben]);
  });
  afterAll(() => service.stop());

  const { requester } = resolverQuestion([]);
  const question = (sources: Record<string, unknown>[], exclude: string[] = []): Question => ({
    sources,
    exclude,
    requester: { ...requester, id: ann, userName: 'ann@test', displayName: 'Ann', manager: boss },
  });
  const envelope = (questions: Question[], asker = 'intake', workspaceId = service.workspaceId) =>
    service.envelope('approvers.preview.v1', { questionId: v7(), asker, questions }, workspaceId);
  const answerTo = ({ data }: { data: Preview }) =>
    service.eventually(async () =>
      (await service.sent('approvers.previewed.v1')).find((sent) => sent.data.questionId === data.questionId),
    );
  const untilLimit = (amount: number) => ({ manager: { of: ann, untilLimit: amount } });

  it('answer the asker alone, in the order of the questions, as a stage would be answered', async () => {
    const asked = envelope([
      question([{ group: 'finance' }, { role: 'SIGNER' }, untilLimit(5_000)]),
      question([{ user: 'ann@test' }, { user: 'boss@test' }, { role: 'wizard' }], [ann, boss]),
      question([untilLimit(5_001)]),
      question([]),
    ]);
    await service.send('approver-resolution', asked);
    const { queues, data } = await answerTo(asked);
    expect(queues).toEqual(['intake']);
    expect(data.answers.map(({ evidence, ...answer }) => answer)).toEqual([
      {
        approvers: [
          {
            person: { id: boss, externalId: null, userName: 'boss@test', displayName: 'Boss', email: null },
            why: [
              'Member of the group finance',
              'Has the role SIGNER',
              'Line manager of Ann; approval limit 5000 covers 5000',
            ],
            sources: [0, 1, 2],
            version: 2,
          },
        ],
        skipped: [{ ref: 'ben@test', why: 'is not active' }],
        note: null,
      },
      {
        approvers: [],
        skipped: [
          { ref: 'ann@test', why: 'may not approve their own request' },
          { ref: 'boss@test', why: 'may not approve at this stage' },
          { ref: 'wizard', why: 'nobody in the directory has this role' },
        ],
        note: null,
      },
      { approvers: [], skipped: [], note: 'Nobody above Ann may approve 5001.' },
      { approvers: [], skipped: [], note: null },
    ]);
  });

  it('keep nothing and call no webhook, but say that it will be asked', async () => {
    let calls = 0;
    const resolver = createServer((_, response) => {
      calls++;
      response.end('[]');
    });
    await new Promise<void>((resolve) => resolver.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(resolver.address() as AddressInfo).port}/approvers`;
    const webhook = (format: string) => ({
      webhook: { url: `${url}?token=hidden`, format, timeout: 'PT1S' },
    });
    const asked = envelope([question([webhook('easylife'), { user: 'boss@test' }, webhook('countersign')])]);
    await service.send('approver-resolution', asked);
    const [answer] = (await answerTo(asked)).data.answers;
    resolver.close();
    expect(answer).toMatchObject({
      approvers: [{ person: { id: boss }, sources: [1] }],
      note: `The webhook at ${url} is asked when the stage starts.`,
    });
    expect(calls).toBe(0);
    expect(await service.rows('SELECT 1 FROM resolution')).toEqual([]);
    expect(await service.rows('SELECT 1 FROM resolver_call')).toEqual([]);
    expect(await service.sent('approvers.call.v1')).toEqual([]);
  });

  it('see only their own workspace, and go to nobody who did not ask', async () => {
    const foreign = envelope(
      [question([{ user: 'boss@test' }, { user: boss }, { role: 'signer' }, untilLimit(1)])],
      'intake',
      v7(),
    );
    const strange = envelope([question([])], 'audit');
    await service.send('approver-resolution', foreign, strange);
    expect((await answerTo(foreign)).data.answers).toMatchObject([{ approvers: [], note: null }]);
    const letter = await service.eventually(
      async () =>
        (
          await service.rows<{ error: string }>('SELECT error FROM dead_letter WHERE message_id = $1', [
            strange.id,
          ])
        )[0],
    );
    expect(letter.error).toContain('audit shows no previews');
  });

  it('are not given when they would name more than 20,000 people', async () => {
    const crowd = await service.users(Array.from({ length: 41 }, (_, n) => `crowd${n}@test`));
    await service.group('crowd', crowd);
    const of = (count: number) =>
      envelope(Array.from({ length: count }, () => question([{ group: 'crowd' }])));
    const [many, tooMany] = [of(487), of(488)];
    await service.send('approver-resolution', many, tooMany);
    expect((await answerTo(many)).data.answers).toHaveLength(487);
    expect((await answerTo(tooMany)).data.answers).toEqual([]);
  });

  it('of 200 questions take as many statements as one', async () => {
    let statements = 0;
    const counting: Sql = {
      query: (text, values) => {
        statements++;
        return service.rows(text, [...(values ?? [])]);
      },
    };
    const questions = Array.from({ length: 200 }, (_, n) =>
      question([
        { user: n % 2 ? ann : 'boss@test' },
        { group: 'finance' },
        { role: n % 3 ? 'signer' : `role ${n}` },
        { manager: { of: n % 5 ? ann : v7(), levels: 1 + (n % 20) } },
        untilLimit(n * 50),
      ]),
    );
    const answers = await resolveSources(
      counting,
      questions.map((one) => ({ question: sourcesQuestion(service.workspaceId, one), answers: {} })),
    );
    expect(answers).toHaveLength(200);
    expect(answers[101]?.approvers.map(({ sources }) => sources)).toEqual([[0], [1, 2, 3]]);
    expect(statements).toBe(6);
    const asked = envelope(questions);
    await service.send('approver-resolution', asked);
    const timeless = (list: ApproverAnswer[]) =>
      list.map(({ evidence, ...answer }) => ({ ...answer, evidence: { ...evidence, at: null } }));
    expect(timeless((await answerTo(asked)).data.answers)).toEqual(timeless(answers));
  });
});
