import type { Envelope, Fact, FactHappened } from '@countersign/contracts';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { commitmentOf, leafHashOf, type ApiEntry } from './log-verifier';
import { storyOf } from './transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const keyId = v7();
const factOf = (more: Partial<Fact> = {}): Fact => ({
  id: v7(),
  type: 'api_key.revoked',
  at: '2026-11-21T09:00:00.000Z',
  actor: { type: 'service', id: keyId, via: null },
  requestId: null,
  content: { apiKeyId: v7(), root: false, traceId: null, scheme: 'bearer' },
  personal: [],
  ...more,
});
const messageOf = (workspaceId: string, ...facts: Fact[]): Envelope<FactHappened> => ({
  ...service.message('fact.happened.v1', { facts }),
  source: 'gateway',
  workspaceId,
});
const tell = async (...messages: Envelope[]) => {
  await service.send(...messages);
  await service.handled(...messages);
};
const entriesOf = async (workspace: string, query = '', more = {}): Promise<ApiEntry[]> =>
  (await service.get(`/v1/audit/entries?limit=200${query}`, { workspace, ...more })).body.data;

describe('a fact that another service tells', () => {
  it('is an entry that says who, for whom, and what, and that can be verified', async () => {
    const workspace = v7();
    const bob = v7();
    const fact = factOf({
      actor: { type: 'user', id: bob, via: keyId },
      personal: [{ subject: null, kind: 'words', data: { name: 'Key of Bob Miller' } }],
    });
    await tell(messageOf(workspace, fact));
    const [entry, ...more] = await entriesOf(workspace);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      index: 0,
      id: fact.id,
      type: fact.type,
      at: fact.at,
      requestId: null,
      requestVersion: null,
      content: { actor: fact.actor, ...fact.content },
      sealed: [{ subject: bob, kind: 'words', data: { name: 'Key of Bob Miller' } }],
    });
    if (!entry) throw new Error('no entry');
    expect(leafHashOf(entry)).toBe(entry.leafHash);
    const [sealed] = entry.sealed;
    expect(commitmentOf(sealed?.salt ?? '', sealed?.data)).toBe(sealed?.commitment);
    expect((await entriesOf(workspace, `&actor=${bob}`)).length).toBe(1);
    expect(await entriesOf(workspace, `&actor=${keyId}`)).toEqual([]);
  });

  it('is of the workflow of its request, also when notification tells of a delivery', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace, 'travel');
    await tell(...messages);
    const happened = {
      ...service.message('notification.happened.v1', {
        id: v7(),
        type: 'delivery.exhausted',
        at: new Date().toISOString(),
        requestId,
        content: { endpointId: v7() },
        shown: {},
      }),
      workspaceId: workspace,
    };
    await tell(happened);
    const rows = await service.sql<{ type: string; workflow_key: string }>(
      'SELECT type, workflow_key FROM entry WHERE workspace_id = $1 ORDER BY index DESC LIMIT 1',
      [workspace],
    );
    expect(rows).toEqual([{ type: 'delivery.exhausted', workflow_key: 'travel' }]);
  });

  it('is one entry, however often and in however many messages it comes', async () => {
    const workspace = v7();
    const [one, two] = [factOf(), factOf()];
    const messages = [
      messageOf(workspace, one, one),
      messageOf(workspace, two, one),
      messageOf(workspace, one, two),
    ];
    await Promise.all(messages.map((message) => service.send(message)));
    await service.handled(...messages);
    await tell(messageOf(workspace, one), messageOf(workspace, two));
    expect((await entriesOf(workspace)).map(({ id }) => id).sort()).toEqual([one.id, two.id].sort());
  });

  it('may be one of hundreds in a message', async () => {
    const workspace = v7();
    const facts = Array.from({ length: 500 }, () => factOf());
    await tell(messageOf(workspace, ...facts));
    const rows = await service.sql<{ id: string }>(
      'SELECT id FROM entry WHERE workspace_id = $1 ORDER BY index',
      [workspace],
    );
    expect(rows.map(({ id }) => id)).toEqual(facts.map(({ id }) => id));
  });

  it('is shown to a key of some workflows when it is about one of them', async () => {
    const workspace = v7();
    const [own, other] = ['travel', 'purchase'].map((workflow) =>
      factOf({ type: 'workflow.published', content: { workflow, workflowId: v7(), version: 1 } }),
    );
    if (!own || !other) throw new Error('two facts were made');
    await tell(messageOf(workspace, own, other, factOf()));
    const shown = await entriesOf(workspace, '', { workflows: ['travel'] });
    expect(shown.map(({ id }) => id)).toEqual([own.id]);
    expect((await entriesOf(workspace)).length).toBe(3);
  });

  it('keeps no word in the open, of a type that is known or not', async () => {
    const workspace = v7();
    await tell(
      messageOf(
        workspace,
        factOf({ content: { apiKeyId: 'Key of Bob Miller', name: 'Miller' } }),
        factOf({ type: 'moon.landed', content: { by: 'Miller' } }),
      ),
    );
    const entries = await entriesOf(workspace);
    expect(entries.length).toBe(2);
    for (const { content, sealed } of entries) {
      expect(JSON.stringify(content)).not.toContain('Miller');
      expect(sealed).toMatchObject([{ subject: keyId, kind: 'undecided' }]);
    }
  });
});
