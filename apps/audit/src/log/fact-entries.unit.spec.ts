import type { Fact, FactContents } from '@countersign/contracts';
import { v7 } from 'uuid';
import { entryOfFact } from './fact-entries';

const workspaceId = v7();
const keyId = v7();
const bob = v7();

const factOf = (more: Partial<Fact>): Fact => ({
  id: v7(),
  type: 'api_key.revoked',
  at: '2026-11-21T09:00:00.000Z',
  actor: { type: 'user', id: bob, via: keyId },
  requestId: null,
  content: {},
  personal: [],
  ...more,
});
const entryOf = (more: Partial<Fact>) => entryOfFact(workspaceId, factOf(more));

describe('the entry of a fact', () => {
  it('says who, on whose word, and what', () => {
    const content: FactContents['api_key.created'] = {
      apiKeyId: v7(),
      scopes: ['requests:read', 'admin'],
      workflows: null,
      expiresAt: '2027-01-01T00:00:00.000Z',
      root: false,
    };
    const call = { traceId: 'a'.repeat(32), scheme: 'basic' };
    const entry = entryOf({ type: 'api_key.created', content: { ...content, ...call } });
    expect(entry.content).toEqual({ actor: { type: 'user', id: bob, via: keyId }, ...content, ...call });
    expect(entry).toMatchObject({ workspaceId, type: 'api_key.created', workflowKey: null, personal: [] });
  });

  it('is of the workflow that its leaf says it is about', () => {
    const content = { workflow: 'purchase', workflowId: v7(), version: 2, origin: 'call' };
    for (const type of ['workflow.version_added', 'workflow.published'] as const)
      expect(entryOf({ type, content })).toMatchObject({
        workflowKey: 'purchase',
        content: { workflow: 'purchase', workflowId: content.workflowId },
      });
    // What is no code is sealed, and nothing but the leaf says whose entry it is.
    const odd = entryOf({ type: 'workflow.published', content: { workflow: 'Bob Miller' } });
    expect(odd.workflowKey).toBeNull();
  });

  it('seals words for whom they concern: the person named, else who acted, else the workspace', () => {
    const words = { subject: null, kind: 'words', data: { name: 'Key of Bob' } };
    const other = { ...words, subject: v7() };
    const subjects = (actor: Fact['actor']) =>
      entryOf({ actor, personal: [words, other] }).personal.map(({ subject }) => subject);
    expect(subjects({ type: 'user', id: bob, via: keyId })).toEqual([bob, other.subject]);
    expect(subjects({ type: 'service', id: keyId, via: null })).toEqual([keyId, other.subject]);
    expect(subjects({ type: 'system', id: null, via: null })).toEqual([workspaceId, other.subject]);
  });

  it('seals what nobody has decided upon, and what is no code, whatever it calls itself', () => {
    const { content, personal } = entryOf({
      content: { apiKeyId: 'Key of Bob Miller', root: true, name: 'Bob', 'Bob Miller': 1 },
    });
    expect(Object.keys(content).sort()).toEqual(['actor', 'root']);
    expect(personal).toEqual([
      {
        subject: bob,
        kind: 'undecided',
        data: { apiKeyId: 'Key of Bob Miller', name: 'Bob', 'Bob Miller': 1 },
      },
    ]);
  });

  it('looks into lists and objects', () => {
    const { content, personal } = entryOf({
      type: 'directory.changed',
      content: {
        operation: 'bulk',
        resources: [
          { type: 'User', id: bob, attributes: ['approvalLimit', 'Bob Miller'], note: 'Bob Miller' },
          'Bob Miller',
        ],
        counts: { resources: 2, note: 'Bob Miller' },
        drafts: [],
      },
    });
    expect(content).toMatchObject({
      operation: 'bulk',
      resources: [{ type: 'User', id: bob, attributes: ['approvalLimit'] }],
      counts: { resources: 2 },
    });
    expect(JSON.stringify(content)).not.toContain('Miller');
    expect(personal).toHaveLength(1);
  });

  it('keeps nothing in the open of a type that it does not know', () => {
    const { content, personal } = entryOf({
      type: 'moon.landed',
      content: { at: 'tranquility', traceId: 'x' },
    });
    expect(Object.keys(content)).toEqual(['actor']);
    expect(personal).toMatchObject([{ kind: 'undecided', data: { at: 'tranquility', traceId: 'x' } }]);
  });
});
