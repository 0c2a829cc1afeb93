import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readOrganisation } from './read-organisation.mjs';
import { readSuites } from './read-suites.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'workflow-tests-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** The mistakes of a tests.yaml, without its name. */
function mistakesOf(tests: string): string[] {
  write('workflow.yaml', 'key: w\n');
  const file = write('tests.yaml', tests);
  try {
    readSuites([folder]);
  } catch (error) {
    return (error as Error).message.split('\n').map((line) => line.replace(file, ''));
  }
  return [];
}

const one = (more: string) => `- { name: small, requester: ann, payload: {}, ${more} }\n`;

describe('workflows with tests', () => {
  it('are found below a folder, each once, with what is expected of them', () => {
    write('b/workflow.yaml', 'key: beta\n');
    write('a/deep/workflow.yaml', 'key: alpha # first\n');
    write('a/deep/tests.yaml', one('expect: { state: completed }'));
    const suites = readSuites([folder, path.join(folder, 'b')]);
    expect(suites.map(({ key, cases }) => [key, cases.length])).toEqual([
      ['alpha', 1],
      ['beta', 0],
    ]);
    expect(suites[0]?.text).toBe('key: alpha # first\n');
  });

  it('must be there, and must not share a key', () => {
    expect(() => readSuites([path.join(folder, 'nowhere')])).toThrow('there is no such folder');
    expect(() => readSuites([folder])).toThrow('no workflow.yaml');
    write('a/workflow.yaml', 'key: w\n');
    write('b/workflow.yaml', 'key: w\n');
    expect(() => readSuites([folder])).toThrow(/b\/workflow\.yaml: key w is that of .*\/a as well/);
    write('b/workflow.yaml', 'stages: []\n');
    expect(() => readSuites([folder])).toThrow(/b\/workflow\.yaml: key is missing/);
  });
});

describe('a mistake in tests', () => {
  it.each<[string, string[]]>([
    [one('expect: { state: done }'), [', case “small”, expect/state: must be one of submitted, ']],
    [
      one('expect: { stages: { a: { sate: active } } }'),
      [', case “small”, expect/stages/a/sate: is not known here'],
    ],
    [one('expect: {}'), [', case “small”, expect: must not be empty']],
    [
      one('decisions: [{ stage: a, by: bob }], expect: { state: failed }'),
      [', case “small”, decisions/0/decision: is missing'],
    ],
    ['- { requester: ann, payload: 1, expect: { state: failed } }\n', [', case 1, name: is missing']],
    ['cases: []\n', [': must be array']],
    [one('expect: { state: failed }').repeat(2), [', case “small”: another case has this name']],
    ['- name: [\n', [': ']],
    [
      one('expected: { state: failed }'),
      [', case “small”, expect: is missing', ', case “small”, expected: is not known here'],
    ],
  ])('is told with its place: %s', (tests, expected) => {
    const found = mistakesOf(tests);
    expect(found).toHaveLength(expected.length);
    expected.forEach((text, index) => expect(found[index]).toContain(text));
  });

  it('is told with those of all other files', () => {
    for (const name of ['a', 'b']) {
      write(`${name}/workflow.yaml`, `key: ${name}\n`);
      write(`${name}/tests.yaml`, one('expect: { state: done }'));
    }
    expect(() => readSuites([folder])).toThrow(/a\/tests\.yaml.*\n.*b\/tests\.yaml/);
  });
});

describe('an organisation', () => {
  const read = (people: string) => readOrganisation(write('organisation.yaml', `people:\n${people}`));

  it('names managers before their people', () => {
    const people = read(
      '  - { userName: c, manager: b }\n  - { userName: b, manager: A }\n  - { userName: a }\n',
    );
    expect(people.map(({ userName }) => userName)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['  - { userName: a, boss: b }\n', /organisation\.yaml, a, boss: is not known here/],
    ['  - { displayName: a }\n', /organisation\.yaml, person 1, userName: is missing/],
    ['  - { userName: a }\n  - { userName: A }\n', /A: is there twice/],
    ['  - { userName: a, manager: b }\n', /a, manager: b is not among the people/],
    [
      '  - { userName: a, manager: b }\n  - { userName: b, manager: a }\n',
      /a, manager: goes round in a circle/,
    ],
    [
      '  - { userName: a, outOfOffice: { from: monday, to: friday } }\n',
      /a, outOfOffice\/from: must match format/,
    ],
  ])('with a mistake is refused: %s', (people, message) => {
    expect(() => read(people)).toThrow(message);
  });
});

it('the documentation shows tests and people that can be read', () => {
  const text = readFileSync(path.resolve(__dirname, '..', '..', 'docs', 'workflows.md'), 'utf8');
  const snippet = (kind: string) =>
    new RegExp(`^\`\`\`yaml ${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1] ?? '';
  expect(mistakesOf(snippet('tests'))).toEqual([]);
  expect(
    readOrganisation(write('organisation.yaml', snippet('people'))).map(({ userName }) => userName),
  ).toEqual(['helen@example.com', 'bob@example.com', 'zoe@example.com']);
});
