import { factsOf, NamedResources } from './change-facts';
import { deletion, resourceChange, type ResourceChange } from './directory-change';
import { nobody } from './publish-people';

const idsOf = (count: number) => Array.from({ length: count }, (_, n) => `id-${n}`);
const contentsOf = (resources: readonly ResourceChange[], unnamed = 0) =>
  factsOf('bulk', { people: nobody, resources, unnamed, delegations: [] }, 7).flatMap((fact) =>
    fact.type === 'directory.changed' ? [fact.content] : [],
  );
const user = (id: string) => resourceChange('User', id, { active: true }, { active: false });

describe('what the log is told of a change of the directory', () => {
  it('is one entry even if no resource is named', () => {
    expect(contentsOf([])).toMatchObject([{ part: 1, parts: 1, resources: [], counts: { resources: 0 } }]);
  });

  it('is no entry of more than 100 resources or 500 members, and nobody twice', () => {
    const added = idsOf(1_100);
    const changes = [
      ...idsOf(130).map(user),
      resourceChange('Group', 'g', {}, {}, { added, removed: ['x'] }),
      user('last'),
    ];
    const contents = contentsOf(changes);
    expect(contents.map(({ resources }) => resources.length)).toEqual([100, 31, 1, 2]);
    const groups = contents.flatMap(({ resources }) => resources).filter(({ id }) => id === 'g');
    expect(groups.map((one) => [one.removed?.length ?? 0, one.added?.length ?? 0])).toEqual([
      [1, 499],
      [0, 500],
      [0, 101],
    ]);
    expect(groups.flatMap((one) => one.added ?? [])).toEqual(added);
    for (const content of contents) expect(content).toMatchObject({ parts: 4, counts: { resources: 132 } });
  });

  it('seals what a resource was and is once, with the entry that names it first', () => {
    const change = resourceChange('Group', 'g', null, { displayName: 'Crew' }, { added: idsOf(600) });
    const facts = factsOf('create', { people: nobody, resources: [change], delegations: [] }, 1);
    expect(facts.map((fact) => ('personal' in fact ? fact.personal : null))).toEqual([
      [{ subject: null, kind: 'words', data: { id: 'g', before: {}, after: { displayName: 'Crew' } } }],
      [],
    ]);
  });

  it('is no entry with more than 256 KiB of sealed data', () => {
    const long = (id: string) => resourceChange('User', id, null, { title: 'x'.repeat(15_000) });
    expect(contentsOf(idsOf(40).map(long)).map(({ resources }) => resources.length)).toEqual([17, 17, 6]);
  });
});

describe('a bulk that changes more than the log names', () => {
  it('names the operation that gets there whole, and counts the rest', () => {
    const resources = new NamedResources();
    resources.add([deletion('Group', 'a', idsOf(99_000)), deletion('Group', 'b', idsOf(99_000))]);
    resources.add([user('c')]);
    expect(resources.named.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(resources.unnamed).toBe(1);
    const [content] = contentsOf(resources.named, resources.unnamed);
    expect(content?.counts).toMatchObject({ resources: 3, unnamed: 1 });
  });
});

describe('how a resource has changed', () => {
  it('is told by the attributes that are others, whatever the order of their members', () => {
    const before = { name: { givenName: 'A', familyName: 'B' }, roles: [{ value: 'x' }], title: 'T' };
    const after = { name: { familyName: 'B', givenName: 'A' }, roles: [{ value: 'y' }] };
    expect(resourceChange('User', 'u', before, after)).toMatchObject({
      did: 'changed',
      attributes: ['roles', 'title'],
      values: { before: { roles: [{ value: 'x' }], title: 'T' }, after: { roles: [{ value: 'y' }] } },
    });
  });

  it('keeps short values when long ones have no room', () => {
    const photos = ['x'.repeat(20_000)];
    const { values, bytes } = resourceChange('User', 'u', null, { photos, approvalLimit: 5 });
    expect(values?.after).toEqual({ approvalLimit: 5, photos: { omittedBytes: 20_004 } });
    expect(bytes).toBeLessThan(16_001);
  });
});
