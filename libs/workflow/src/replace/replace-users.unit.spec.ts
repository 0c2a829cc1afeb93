import { parseDefinition, replaceUsers, type KeptDefinition } from '..';

const kept = (text: string): KeptDefinition => {
  const parsed = parseDefinition({ text, mediaType: 'application/yaml' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return { definition: parsed.definition, text: parsed.text, mediaType: 'application/yaml' };
};
const aliceToBob = (ref: string) => (ref.toLowerCase() === 'alice@test' ? 'bob@test' : null);

describe('naming others in a definition', () => {
  it('changes exactly the places in the text of YAML, and says where they are', () => {
    const text = `# Ours
key: orders
stages:
  - key: first   # Alice decides
    approvers: [ {user: "alice@test"}, { group: finance } ]
    escalate: [ { after: P1D, to: [ { user: Alice@test } ] } ]
    quorum: { each: [ { user: 'alice@test', approvals: 1 } ] }
  - parallel:
      - key: second
        approvers:
          - matrix:
              - { when: 'true', to: [ { user: alice@test } ] }
          - user:
              alice@test
`;
    const replaced = replaceUsers(kept(text), aliceToBob);
    expect(replaced?.pointers.sort()).toEqual([
      '/stages/0/approvers/0/user',
      '/stages/0/escalate/0/to/0/user',
      '/stages/0/quorum/each/0/user',
      '/stages/1/parallel/0/approvers/0/matrix/0/to/0/user',
      '/stages/1/parallel/0/approvers/1/user',
    ]);
    const others = text.replace(/(["']?)alice@test\1/gi, 'bob@test');
    expect(replaced?.source).toEqual({ text: others, mediaType: 'application/yaml' });
  });

  it('quotes what YAML would take for something else', () => {
    const text = 'key: orders\nstages: [ { key: first, approvers: [ { user: alice@test } ] } ]\n';
    const to = (other: string) => {
      const source = replaceUsers(kept(text), () => other)?.source;
      const parsed = parseDefinition(source ?? { json: null });
      return parsed.ok ? parsed.definition.stages[0] : parsed.errors;
    };
    for (const other of ['123', 'null', '- x', 'a: b', '#x', 'Ä "quoted" \\ name', 'x, y}']) {
      expect(to(other)).toMatchObject({ approvers: [{ user: other }] });
    }
  });

  it('changes once what aliases stand for', () => {
    const text = `key: orders
stages:
  - { key: first, approvers: [ { user: &who alice@test } ] }
  - { key: second, approvers: [ { user: *who } ] }
`;
    const source = replaceUsers(kept(text), aliceToBob)?.source;
    expect(source).toMatchObject({ text: text.replace('alice', 'bob') });
  });

  it('changes JSON as what it says, and nothing where nobody is named', () => {
    const definition = { key: 'orders', stages: [{ key: 'first', approvers: [{ user: 'alice@test' }] }] };
    const json = { definition, text: JSON.stringify(definition), mediaType: 'application/json' };
    expect(replaceUsers(json, aliceToBob)).toEqual({
      pointers: ['/stages/0/approvers/0/user'],
      source: { json: { key: 'orders', stages: [{ key: 'first', approvers: [{ user: 'bob@test' }] }] } },
    });
    expect(definition.stages[0]?.approvers[0]?.user).toBe('alice@test');
    expect(replaceUsers(json, () => null)).toBeNull();
  });
});
