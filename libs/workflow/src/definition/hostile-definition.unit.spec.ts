import type { ConditionContext } from '../cel/condition';
import { MAX_PROBLEMS } from '../json-schema';
import { compileDefinition } from './compile-definition';
import { parseDefinition } from './parse-definition';

const stage = (over: object = {}) => ({ key: 'one', approvers: [{ user: 'ann' }], ...over });
const json = (over: object = {}) => parseDefinition({ json: { key: 'w', stages: [stage()], ...over } });
const errorsOf = (parsed: ReturnType<typeof parseDefinition>) => (parsed.ok ? [] : parsed.errors);
const messagesOf = (over: object) =>
  errorsOf(json(over))
    .map(({ pointer, message }) => `${pointer}: ${message}`)
    .join('\n');

const context = (over: Partial<ConditionContext> = {}): ConditionContext => ({
  payload: { items: Array.from({ length: 20_000 }, (_, i) => `p${i}`) },
  requester: {},
  request: { title: 't', workflow: 'w', createdAt: '2026-11-21T09:00:00.000Z', revision: 1 },
  stages: {},
  ...over,
});

const EXPLODING = [
  'payload.items.filter(a, payload.items.all(b, payload.items.all(c, a + b + c != "")))',
  'payload.items.map(a, a in payload.items ? a : "")',
  'payload.items.filter(a, a.matches("^(x+x+)+$"))',
  'payload.items.map(a, payload.items.map(b, payload.items.map(c, c)))[0][0]',
];

describe('CEL that explodes', () => {
  it.each(EXPLODING)('is stopped in the expression %s', (expression) => {
    const parsed = json({ stages: [stage({ approvers: [{ expression }] })] });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    const [source] = compileDefinition(parsed.definition).stages[0]?.approvers ?? [];
    const result = source && 'expression' in source && source.expression.evaluate(context());
    expect(result).toEqual({ ok: false, message: expect.stringContaining('too many steps') as string });
  });

  it('shares one budget among all rows of all matrices', () => {
    const rows = Array.from({ length: 100 }, () => ({
      when: 'payload.items.exists(i, i == "nobody")',
      to: [{ user: 'ann' }],
    }));
    const parsed = json({ stages: [stage({ approvers: [{ matrix: rows }, { matrix: rows }] })] });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    const payload = { items: Array.from({ length: 1_000 }, () => 'x') };
    const shared = context({ payload, budget: { steps: 10_500 } });
    const sources = compileDefinition(parsed.definition).stages[0]?.approvers ?? [];
    const results = sources.flatMap((source) =>
      'matrix' in source ? source.matrix.map(({ when }) => when.evaluate(shared).ok) : [],
    );
    expect(results.filter((ok) => ok)).toHaveLength(10);
    expect(results.slice(0, 10)).toEqual(Array(10).fill(true));
    expect(shared.budget).toEqual({ steps: 0 });
  });

  it('is explained no longer than it was evaluated', () => {
    const parsed = json({ stages: [stage({ when: 'payload.items.all(a, a in payload.items)' })] });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    const when = compileDefinition(parsed.definition).stages[0]?.when;
    expect(when?.explain(context(), 'One')).toContain('too many steps');
  });

  it.each([
    ['a long text', `payload.a == "${'x'.repeat(3_000)}"`, /at most 2000 characters/],
    ['brackets', `${'('.repeat(900)}true${')'.repeat(900)}`, /nested too deeply/],
    ['lists', `size(${'['.repeat(900)}${']'.repeat(900)}) > 0`, /nested too deeply/],
    ['alternatives', `${'true ? true : '.repeat(100)}true`, /nested too deeply/],
    ['members', `payload${'.a'.repeat(900)} == 1`, /too long/],
    ['sums', `1${' + 1'.repeat(480)} == 1`, /too long/],
    ['a pattern with look-around', 'payload.a.matches("(?=a)b")', /pattern .* cannot be used/],
    ['a pattern that explodes', 'payload.a.matches("((a{100}){100}){100}")', /pattern .* cannot be used/],
    ['a pattern that is too long', `payload.a.matches("${'a'.repeat(600)}")`, /longer than 500/],
  ])('is refused for %s, wherever it stands', (_name, text, reason) => {
    const stages = [
      stage({
        when: text,
        approvers: [{ expression: text }, { matrix: [{ when: text, to: [{ expression: text }] }] }],
        onNoApprovers: { fallback: [{ expression: text }] },
        escalate: [{ after: 'P1D', to: [{ expression: text }] }],
        notify: [{ expression: text }],
      }),
    ];
    const problems = errorsOf(json({ stages }));
    expect([...new Set(problems.map(({ pointer }) => pointer))].sort()).toEqual([
      '/stages/0/approvers/0/expression',
      '/stages/0/approvers/1/matrix/0/to/0/expression',
      '/stages/0/approvers/1/matrix/0/when',
      '/stages/0/escalate/0/to/0/expression',
      '/stages/0/notify/0/expression',
      '/stages/0/onNoApprovers/fallback/0/expression',
      '/stages/0/when',
    ]);
    for (const { message } of problems) expect(message).toMatch(reason);
  });
});

describe('very many', () => {
  it('conditions are checked, and only the first problems told', () => {
    const matrix = Array.from({ length: 500 }, () => ({ when: 'nothing > 1', to: [{ user: 'a' }] }));
    const stages = Array.from({ length: 8 }, (_, n) => stage({ key: `s${n}`, approvers: [{ matrix }] }));
    expect(errorsOf(json({ stages }))).toHaveLength(MAX_PROBLEMS);
  });

  it('long conditions that are right are accepted', () => {
    const when = Array.from({ length: 90 }, (_, n) => `payload.f${n} > ${n}`).join(' && ');
    const stages = Array.from({ length: 130 }, (_, n) => stage({ key: `s${n}`, when }));
    expect(errorsOf(json({ stages }))).toEqual([]);
  });

  it('stages in groups count one by one', () => {
    const group = (from: number, count: number) => ({
      parallel: Array.from({ length: count }, (_, n) => stage({ key: `s${from + n}` })),
    });
    expect(errorsOf(json({ stages: [group(0, 250), group(250, 250)] }))).toEqual([]);
    expect(errorsOf(json({ stages: [group(0, 250), group(250, 251)] }))).toEqual([
      { pointer: '/stages', message: 'Must have at most 500 stages.' },
    ]);
  });

  it.each([
    ['sources', { approvers: Array.from({ length: 101 }, () => ({ user: 'a' })) }, '/stages/0/approvers'],
    [
      'rows',
      { approvers: [{ matrix: Array.from({ length: 501 }, () => ({ when: 'true', to: [{ user: 'a' }] })) }] },
      '/stages/0/approvers/0/matrix',
    ],
    [
      'escalations',
      { escalate: Array.from({ length: 11 }, () => ({ after: 'P1D', to: [{ user: 'a' }] })) },
      '/stages/0/escalate',
    ],
    [
      'parts of a quorum',
      { quorum: { each: Array.from({ length: 21 }, () => ({ user: 'a', approvals: 1 })) } },
      '/stages/0/quorum/each',
    ],
  ])('%s are refused', (_name, over, pointer) => {
    expect(errorsOf(json({ stages: [stage(over)] })).map((problem) => problem.pointer)).toEqual([pointer]);
  });

  it('calendars and holidays are refused', () => {
    const office = { timeZone: 'UTC', weekly: { mon: ['09:00-17:00'] } };
    const calendars = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`c${n}`, office]));
    expect(messagesOf({ calendars })).toBe('/calendars: Must have at most 50 members.');
    const holidays = Array.from({ length: 1_001 }, (_, n) =>
      new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10),
    );
    expect(messagesOf({ calendars: { office: { ...office, holidays } } })).toBe(
      '/calendars/office/holidays: Must have at most 1000 items.',
    );
  });
});

describe('a text of faults', () => {
  const yaml = (text: string) => parseDefinition({ text, mediaType: 'application/yaml' });
  const many = (count: number, item: unknown = {}) => Array.from({ length: count }, () => item);
  const aliases = Array.from({ length: 8_000 }, (_, n) => `- &a${n} x\n- *a${n}`).join('\n');

  it.each<[string, () => ReturnType<typeof parseDefinition>]>([
    ['stages', () => json({ stages: many(30_000) })],
    ['members of a group', () => json({ stages: [{ parallel: many(30_000) }] })],
    ['sources', () => json({ stages: [stage({ approvers: many(60_000, 1) })] })],
    ['calendars', () => json({ calendars: Object.fromEntries(many(10_000).map((_, n) => [`c${n}`, {}])) })],
    ['YAML tags', () => yaml(`a: [${'!x y, '.repeat(40_000)}]`)],
    ['YAML escapes', () => yaml(`a: "${'\\q'.repeat(100_000)}"`)],
    ['YAML aliases', () => yaml(aliases)],
  ])('of %s costs about as much as its length', (_name, parse) => {
    const start = process.cpuUsage();
    expect(errorsOf(parse())).not.toHaveLength(0);
    const { user, system } = process.cpuUsage(start);
    // Seconds longer while every fault cost the more the more there were.
    expect((user + system) / 1_000).toBeLessThan(10_000);
  });

  it('says where the first ones are', () => {
    expect(errorsOf(yaml('a: 1\nb: !x y\n'))).toEqual([
      { pointer: '', message: 'The YAML cannot be read. Line 2, column 4: Unresolved tag: !x.' },
    ]);
    expect(errorsOf(yaml('key: a\n---\nkey: b\n'))).toEqual([
      {
        pointer: '',
        message:
          'The YAML cannot be read. Line 2, column 1: A second document begins, but a file holds one workflow.',
      },
    ]);
    expect(errorsOf(yaml('key: a\ntitle: "*a"\nonNoStage: |\n  *b\n'))).toMatchObject([
      { pointer: '/stages' },
      { pointer: '/onNoStage' },
    ]);
  });
});

describe('nesting', () => {
  it('of a matrix in a matrix, however deep, is refused', () => {
    let to: object[] = [{ user: 'ann' }];
    for (let depth = 0; depth < 12; depth++) to = [{ matrix: [{ when: 'true', to }] }];
    expect(messagesOf({ stages: [stage({ approvers: to })] })).toBe(
      '/stages/0/approvers/0/matrix/0/to/0/matrix: A row of a matrix must not hold another matrix.',
    );
  });

  it('of a group in a group is refused', () => {
    const parallel = [{ parallel: [stage()] }];
    expect(messagesOf({ stages: [{ parallel }] })).toContain(
      '/stages/0/parallel/0/parallel: Is not a known member.',
    );
  });
});

describe('names of a prototype', () => {
  it('are ordinary keys where keys are free', () => {
    const office = { timeZone: 'UTC', weekly: { mon: ['09:00-17:00'] } };
    const parsed = json({
      calendar: 'constructor',
      calendars: { constructor: office, toString: office },
      subject: {
        type: 'object',
        required: ['constructor', 'hasOwnProperty'],
        properties: { constructor: { type: 'string' }, hasOwnProperty: { type: 'number' } },
      },
      stages: [
        stage({ key: 'constructor', when: 'payload.constructor == "x"' }),
        stage({
          key: 'toString',
          when: 'stages.constructor.state == "approved" && payload.hasOwnProperty > 1',
          approvers: [{ user: { field: 'payload.constructor' } }],
          calendar: 'toString',
          distinctFrom: ['constructor'],
        }),
      ],
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    const [first, second] = compileDefinition(parsed.definition).stages;
    const found = context({
      payload: JSON.parse('{"constructor":"x","hasOwnProperty":2}') as unknown,
      stages: JSON.parse('{"constructor":{"state":"approved"}}') as ConditionContext['stages'],
    });
    expect(first?.when?.evaluate(found)).toMatchObject({ ok: true, value: true });
    expect(second?.when?.evaluate(found)).toMatchObject({ ok: true, value: true });
    expect(second?.distinctFrom).toEqual(['constructor']);
    expect(first?.when?.evaluate(context({ payload: {} }))).toMatchObject({ ok: false });
  });

  it('are not there unless somebody puts them there', () => {
    expect(messagesOf({ calendar: 'constructor' })).toBe(
      '/calendar: There is no "constructor" in calendars.',
    );
    expect(messagesOf({ calendar: 'constructor', calendars: {} })).toBe(
      '/calendar: There is no "constructor" in calendars.',
    );
    expect(messagesOf({ stages: [stage({ distinctFrom: ['constructor'] })] })).toContain('There is no stage');
    expect(messagesOf({ stages: [stage({ when: 'stages.constructor.state == "x"' })] })).toContain(
      'stages.constructor does not exist',
    );
  });

  it.each([
    ['a calendar', '{"calendars":{"__proto__":{"timeZone":"UTC","weekly":{"mon":["09:00-17:00"]}}}}'],
    ['a property', '{"subject":{"properties":{"__proto__":{"type":"string"}}}}'],
    ['a weekday', '{"calendars":{"a":{"timeZone":"UTC","weekly":{"__proto__":["09:00-17:00"]}}}}'],
    ['a stage', '{"stages":[{"__proto__":{"key":"a"},"key":"b","approvers":[{"user":"x"}]}]}'],
  ])('__proto__ is refused as %s', (_name, text) => {
    expect(messagesOf(JSON.parse(text) as object)).toContain('must not be named __proto__');
  });

  it('__proto__ is refused as the key of a stage and as a path', () => {
    expect(messagesOf({ stages: [stage({ key: '__proto__' })] })).toContain(
      '/stages/0/key: Must be 1 to 100',
    );
    expect(messagesOf({ stages: [stage({ approvers: [{ field: 'payload.__proto__.x' }] })] })).toBe(
      '/stages/0/approvers/0/field: Must be a path below payload, such as payload.approverGroup.',
    );
  });
});

describe('a time zone', () => {
  it.each(['Europe/Nowhere', '+02:00', '', 'Europe/Berlin\n', '../../etc/passwd', 'x'.repeat(65)])(
    '%j is refused',
    (timeZone) => {
      expect(messagesOf({ calendars: { office: { timeZone, weekly: { mon: ['09:00-17:00'] } } } })).toMatch(
        /^\/calendars\/office\/timeZone: .*$/,
      );
    },
  );
});
