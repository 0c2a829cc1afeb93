import type { ApproverSource } from './approver-source';
import { sourceEvidence } from './source-evidence';

const ids = (count: number) => new Set(Array.from({ length: count }, (_, n) => `p${n}`));
const nothing = { answers: {}, groupsOf: () => [] };

describe('the evidence of sources', () => {
  it('is bounded by itself, whatever a definition asks for', () => {
    const sources = Array.from({ length: 20_000 }, (): ApproverSource => ({ kind: 'group', ref: 'crowd' }));
    const rules = sources.map((_, n) => ({ rule: `approvers.${n}`, count: 1 }));
    const evidence = sourceEvidence(
      { sources, rules },
      {
        ...nothing,
        named: sources.map(() => ids(150)),
        groupsOf: () => [{ id: 'crowd', displayName: 'crowd', version: 1, members: [] }],
      },
    );
    expect(evidence).toHaveLength(500);
    expect(evidence[0]).toMatchObject({ named: 150, refs: 1, groups: [{ id: 'crowd', version: 1 }] });
    expect(evidence[0]?.people).toHaveLength(100);
    expect(evidence.flatMap(({ people, groups = [] }) => [...people, ...groups])).toHaveLength(1_000);
    expect(evidence[499]).toMatchObject({ named: 150, people: [], groups: [] });
  });

  it('has the newest calls of a webhook in the format of its source alone', () => {
    const call = {
      url: 'https://erp.example.com/a?key=1',
      at: '',
      status: null,
      latencyMs: null,
      result: 'no_room' as const,
    };
    const hashes = { requestHash: null, answerHash: null };
    const calls = Array.from({ length: 60 }, (_, n) => ({
      ...call,
      ...hashes,
      attempt: n,
      format: n % 2 ? ('easylife' as const) : ('countersign' as const),
    }));
    const source: ApproverSource = { kind: 'webhook', url: call.url, format: 'easylife', timeoutMs: 1 };
    const [evidence] = sourceEvidence(
      { sources: [source], rules: [{ rule: 'approvers.0', count: 1 }] },
      { ...nothing, calls, named: [new Set()] },
    );
    const { url, calls: told } = evidence?.webhook ?? { calls: [] };
    expect(url).toBe('https://erp.example.com/a');
    expect(told.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, n) => 21 + 2 * n));
    expect(JSON.stringify(told)).not.toContain('key=1');
  });

  it('tells users of one rule together, each person once', () => {
    const user = (ref: string): ApproverSource => ({ kind: 'user', ref, by: 'payload.owners' });
    const evidence = sourceEvidence(
      {
        sources: [user('a'), user('A'), user('nobody'), user('b')],
        rules: [{ rule: 'approvers.3', count: 3 }],
      },
      { ...nothing, named: [new Set(['a']), new Set(['a']), new Set(), new Set(['b'])] },
    );
    expect(evidence).toEqual([{ rule: 'approvers.3', kind: 'user', refs: 3, named: 1, people: ['a'] }]);
  });
});
