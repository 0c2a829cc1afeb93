import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workflowDefinitionSchema } from './workflow-definition.schema';
import { compileDefinition, publishProblems } from './compile-definition';
import { parseDefinition } from './parse-definition';

const fixture = (name: string) => readFileSync(join(__dirname, '../../test', name), 'utf8');
const purchaseOrder = fixture('purchase-order.yaml');
const guestRequest = JSON.parse(fixture('easylife-guest-request.json')) as Record<string, unknown>;

const yaml = (text: string) => parseDefinition({ text, mediaType: 'application/yaml' });
const stage = (over: object = {}) => ({ key: 'one', approvers: [{ user: 'ann' }], ...over });
const json = (over: object = {}) => parseDefinition({ json: { key: 'w', stages: [stage()], ...over } });
const errorsOf = (parsed: ReturnType<typeof parseDefinition>) => (parsed.ok ? [] : parsed.errors);
const compiled = (over: object = {}) => {
  const parsed = json(over);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compileDefinition(parsed.definition);
};

describe('a valid definition', () => {
  it('is read from YAML with its own text kept', () => {
    const parsed = yaml(purchaseOrder);
    expect(parsed).toMatchObject({ ok: true, text: purchaseOrder, definition: { key: 'purchase-order' } });
  });

  it('is compiled with defaults filled in', () => {
    const parsed = yaml(purchaseOrder);
    if (!parsed.ok) throw new Error('invalid');
    const definition = compileDefinition(parsed.definition);
    expect(definition.stages.map(({ key, title, quorum }) => ({ key, title, quorum }))).toEqual([
      { key: 'manager', title: 'Line manager', quorum: 'any' },
      { key: 'finance', title: 'finance', quorum: { approvals: 2 } },
      { key: 'legal', title: 'legal', quorum: 'any' },
      { key: 'owner', title: 'owner', quorum: 'any' },
    ]);
    expect(definition.stages[0]).toMatchObject({
      when: null,
      selfApproval: 'forbid',
      onNoApprovers: 'fail',
      comment: 'optional',
    });
    expect(definition.reasonCodes).toEqual({
      approve: [],
      reject: ['budget', 'duplicate', 'policy'],
      return: null,
    });
    expect(publishProblems(definition)).toEqual([]);
  });

  it('tells every violation of a payload with its pointer', () => {
    const parsed = yaml(purchaseOrder);
    if (!parsed.ok) throw new Error('invalid');
    const { validatePayload } = compileDefinition(parsed.definition);
    expect(validatePayload({ amount: 12.5, department: 'it', region: 'EMEA' })).toEqual([]);
    expect(validatePayload({ amount: -1, region: 'MARS' })).toEqual(
      expect.arrayContaining([
        { pointer: '/department', message: 'Is required.' },
        { pointer: '/amount', message: 'Must be more than 0.' },
        { pointer: '/region', message: 'Must be one of: EMEA, AMER, APAC.' },
      ]),
    );
  });

  it('can look deep into the resource of an EasyLife guest request', () => {
    const { stages } = compiled({
      stages: [stage({ when: 'payload.guestRequest.userRequest.metadata.color == "blue"' })],
    });
    const context = {
      payload: guestRequest,
      requester: {},
      request: { title: 't', workflow: 'w', createdAt: '2026-11-21T09:00:00.000Z', revision: 1 },
      stages: {},
    };
    expect(stages[0]?.when?.evaluate(context)).toMatchObject({ ok: true, value: true });
  });

  it('keeps a subject that has its own $id usable in every version', () => {
    const subject = { $id: 'https://example.com/po', type: 'object', required: ['a'] };
    const first = compiled({ subject });
    const second = compiled({ subject: { ...subject, required: ['b'] } });
    expect(first.validatePayload({})).toEqual([{ pointer: '/a', message: 'Is required.' }]);
    expect(second.validatePayload({})).toEqual([{ pointer: '/b', message: 'Is required.' }]);
  });
});

describe('an invalid definition', () => {
  it('is told everything that is wrong at once', () => {
    const parsed = parseDefinition({
      json: {
        key: 'bad key',
        colour: 'blue',
        subject: { type: 'strin' },
        stages: [
          {
            key: 'a',
            approvers: [{ webhook: { url: 'ftp://x', timeout: 'PT2M' } }],
            quorum: { approvals: 0 },
          },
          { key: 'a', approvers: [], when: 'payload.amount >' },
        ],
      },
    });
    expect(
      errorsOf(parsed)
        .map(({ pointer }) => pointer)
        .sort(),
    ).toEqual([
      '/colour',
      '/key',
      '/stages/0/approvers/0/webhook/timeout',
      '/stages/0/approvers/0/webhook/url',
      '/stages/0/quorum/approvals',
      '/stages/1/approvers',
      '/stages/1/key',
      '/stages/1/when',
      '/subject/type',
    ]);
  });

  it.each([
    ['a list', [], ''],
    ['null', null, ''],
    ['a text', 'key: x', ''],
    ['no stages', { key: 'w', stages: [] }, '/stages'],
  ])('refuses %s', (_name, value, pointer) => {
    expect(errorsOf(parseDefinition({ json: value })).map((error) => error.pointer)).toContain(pointer);
  });

  it('refuses an address with credentials', () => {
    const approvers = [{ webhook: { url: 'https://u:p@erp.example.com/' } }];
    expect(errorsOf(json({ stages: [stage({ approvers })] }))).toEqual([
      { pointer: '/stages/0/approvers/0/webhook/url', message: 'Must not hold credentials.' },
    ]);
  });

  it('describes itself with a schema that refuses what the parser refuses', () => {
    expect(workflowDefinitionSchema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(errorsOf(json({ stages: [stage({ quorum: 'most' })] }))).toEqual([
      { pointer: '/stages/0/quorum', message: 'Must be one of: any, all, majority.' },
    ]);
  });
});

describe('a condition', () => {
  const errorsFor = (when: string, subject?: object) =>
    errorsOf(json({ stages: [stage({ when })], ...(subject ? { subject } : {}) })).map(
      ({ message }) => message,
    );
  const amount = {
    type: 'object',
    properties: { amount: { type: 'number' }, name: { type: 'string' } },
    required: ['amount'],
  };

  it.each([
    ['payload.amount > 1000'],
    ['payload.amount >= 10 && payload.amount / 2.0 < 7'],
    ['"EMEA" in requester.groups'],
    ['requester.approvalLimit == null || payload.amount <= requester.approvalLimit'],
    ['has(payload.name) && payload.name.startsWith("x")'],
    ['timestamp(request.createdAt) > timestamp("2026-01-01T00:00:00Z")'],
    ['payload["amount"] == 3'],
    ['requester.groups.exists(g, g == "finance")'],
    ['payload.amount > 3 ? true : false'],
    ['payload.name.matches("^[a-z]+$")'],
  ])('accepts %s', (when) => {
    expect(errorsFor(when, amount)).toEqual([]);
  });

  it.each([
    ['payload.amount', /gives a double/],
    ['payload.amount + 1.0', /gives a double/],
    ['payload.amount == "x"', /can never equal/],
    ['payload.amount * 2 > 3.0', /write 2.0/],
    ['amount > 3', /amount is not known/],
    ['requester.salary > 3.0', /requester.salary does not exist/],
    ['stages.later.state == "approved"', /stages.later does not exist/],
    ['payload.name.foo == 1', /has no member foo/],
    ['today() == 1', /no function today/],
    ['payload.amount && true', /needs true or false/],
    ['payload.amount > ', /not valid CEL/],
    ['('.repeat(40) + 'true' + ')'.repeat(40), /nested too deeply/],
    ['true' + ' && true'.repeat(400), /more than|longer|too long|at most/i],
  ])('refuses %s', (when, reason) => {
    const messages = errorsFor(when, amount);
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.join(' ')).toMatch(reason);
  });

  it('may look at earlier stages only', () => {
    const two = (when: string, at: number) =>
      errorsOf(
        json({ stages: ['a', 'b'].map((key, index) => stage({ key, ...(index === at ? { when } : {}) })) }),
      );
    expect(two('stages.a.state == "approved"', 1)).toEqual([]);
    expect(two('stages.b.state == "approved"', 0).map(({ pointer }) => pointer)).toEqual(['/stages/0/when']);
  });

  it('must ask for an optional member before it is published', () => {
    const stages = [stage({ when: 'payload.name == "x"' })];
    expect(publishProblems(compiled({ subject: amount, stages }))).toEqual([
      {
        pointer: '/stages/0/when',
        message: 'payload.name is optional and may be missing: ask has(payload.name) first.',
      },
    ]);
  });
});

describe('hostile input', () => {
  const bounded = (run: () => unknown) => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  const bomb = () => {
    let text = 'a0: &a0 [x,x,x,x,x,x,x,x,x]\n';
    for (let i = 1; i < 20; i++)
      text += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(',')}]\n`;
    return text;
  };
  const size = 256 * 1024;

  it.each([
    ['an alias bomb', bomb(), /aliases/],
    ['too much text', `key: ${'x'.repeat(size)}`, /larger than 256 KiB/],
    ['too much text in few characters', `key: ${'€'.repeat(size / 3)}`, /larger than 256 KiB/],
    ['deep flow lists', '['.repeat(size), /nested too deeply/],
    ['deep flow maps', '{a: '.repeat(size / 4), /nested too deeply/],
    ['deep compact lists', '- '.repeat(size / 2), /nested too deeply/],
    ['deep compact keys', '? '.repeat(size / 2), /nested too deeply/],
    [
      'deep indentation',
      Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      /nested too deeply/,
    ],
    ['a broken line after line', '\t: :\n'.repeat(20_000), /cannot be read/],
    ['an unknown tag', 'key: !!js/function x', /cannot be read/],
    ['two documents', 'key: a\n---\nkey: b\n', /cannot be read/],
    ['an unknown alias', 'key: *x', /cannot be read|aliases/],
    ['a key given twice', 'key: a\nkey: b\n', /"key" is given twice/],
    ['a list as key', '? [a]\n: b\n', /plain text/],
    ['a prototype key', 'key: a\n__proto__: { x: 1 }\n', /__proto__/],
    ['infinity', 'key: .inf', /finite/],
  ])('refuses %s quickly', (_name, text, reason) => {
    let message = '';
    const seconds = bounded(() => {
      message = errorsOf(yaml(text))
        .map((error) => error.message)
        .join(' ');
    });
    expect(message).toMatch(reason);
    expect(seconds).toBeLessThan(5);
  });

  it('points at a nested key given twice', () => {
    const [error] = errorsOf(yaml('key: w\nstages:\n  - key: a\n    title: x\n    title: y\n'));
    expect(error?.pointer).toBe('/stages/0/title');
  });

  it('reads a map of very many keys in about linear time', () => {
    const text = `subject:\n${Array.from({ length: 20_000 }, (_, i) => `  k${i}: 1`).join('\n')}`;
    expect(bounded(() => yaml(text))).toBeLessThan(5);
  });

  it('refuses JSON with prototype keys and deep nesting', () => {
    const proto = JSON.parse('{"key":"w","stages":[],"subject":{"__proto__":{"x":1}}}') as unknown;
    expect(errorsOf(parseDefinition({ json: proto }))[0]?.message).toMatch(/__proto__/);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(errorsOf(parseDefinition({ json: deep }))[0]?.message).toMatch(/nested/);
  });

  it('refuses more than 500 stages', () => {
    const stages = Array.from({ length: 501 }, (_, i) => stage({ key: `s${i}` }));
    expect(errorsOf(json({ stages }))).toEqual([
      { pointer: '/stages', message: 'Must have at most 500 items.' },
    ]);
  });

  const doubling = (levels: number) => {
    const $defs: Record<string, unknown> = { d0: { type: 'string' } };
    for (let i = 1; i <= levels; i++) {
      $defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] };
    }
    return { $defs, $ref: `#/$defs/d${levels}` };
  };
  const chain = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, i) => [`d${i}`, i === 1_999 ? {} : { $ref: `#/$defs/d${i + 1}` }]),
  );

  it.each([
    ['a remote reference', { $ref: 'https://example.com/schema.json' }, '/subject/$ref'],
    ['a reference to nowhere', { $ref: '#/$defs/x' }, '/subject/$ref'],
    ['a pattern that looks around', { pattern: '^(?=a)b' }, '/subject/pattern'],
    ['a pattern with a back-reference', { pattern: '(a)\\1' }, '/subject/pattern'],
    ['a pattern that explodes', { pattern: '((a{100}){100}){100}' }, '/subject/pattern'],
    [
      'a pattern property that looks around',
      { patternProperties: { '(?<=a)b': {} } },
      '/subject/patternProperties/(?<=a)b',
    ],
    ['references that double', doubling(40), '/subject'],
    ['a long chain of references', { $defs: chain, $ref: '#/$defs/d0' }, '/subject'],
    ['a schema of itself', { properties: { a: { $ref: '#' } } }, '/subject/properties/a/$ref'],
    ['an asynchronous schema', { $async: true }, '/subject/$async'],
    ['a dynamic reference', { $dynamicRef: '#x' }, '/subject/$dynamicRef'],
    ['an older dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }, '/subject/$schema'],
  ])('refuses a subject with %s', (_name, subject, pointer) => {
    let pointers: string[] = [];
    const seconds = bounded(() => (pointers = errorsOf(json({ subject })).map((error) => error.pointer)));
    expect(pointers).toEqual([pointer]);
    expect(seconds).toBeLessThan(5);
  });

  it('matches a catastrophic pattern in linear time', () => {
    const { validatePayload } = compiled({ subject: { pattern: '^(x+x+)+y$' } });
    let problems: unknown[] = [];
    expect(bounded(() => (problems = validatePayload('x'.repeat(50_000))))).toBeLessThan(5);
    expect(problems).toHaveLength(1);
  });

  it('keeps several patterns of one subject apart', () => {
    const subject = {
      properties: { a: { pattern: '^a' }, b: { pattern: '^b' } },
      patternProperties: { '^x': false },
    };
    const { validatePayload } = compiled({ subject });
    expect(validatePayload({ a: 'a', b: 'b', y: 1 })).toEqual([]);
    expect(
      validatePayload({ a: 'b', b: 'a', x: 1 })
        .map(({ pointer }) => pointer)
        .sort(),
    ).toEqual(['/a', '/b', '/x']);
  });

  it('refuses subjects with very many patterns or schemas', () => {
    const many = (count: number, name: (i: number) => string) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), {}]));
    for (const subject of [
      { properties: many(2_001, (i) => `p${i}`) },
      { patternProperties: many(200, (i) => `^p${i}`) },
    ]) {
      expect(errorsOf(json({ subject })).map(({ message }) => message)).toEqual([
        expect.stringContaining('more than 2000 schemas') as string,
      ]);
    }
  });

  it('answers a large payload that violates everything with the first violation', () => {
    const anyOf = Array.from({ length: 300 }, (_, i) => ({ const: `v${i}` }));
    const { validatePayload } = compiled({ subject: { items: { anyOf } } });
    const items = (count: number) => Array.from({ length: count }, () => 1);
    const pointers = (count: number) => new Set(validatePayload(items(count)).map(({ pointer }) => pointer));
    let many = new Set<string>();
    expect(bounded(() => (many = pointers(60_000)))).toBeLessThan(5);
    expect(many).toEqual(new Set(['/0']));
    expect(validatePayload(items(100_000))).toEqual([
      { pointer: '', message: 'Has too many values for the schema of this workflow.' },
    ]);
  });

  it('compares many items for uniqueness in about linear time', () => {
    const { validatePayload } = compiled({ subject: { uniqueItems: true } });
    const items = Array.from({ length: 50_000 }, (_, i) => ({ a: i, b: [i] }));
    expect(bounded(() => validatePayload(items))).toBeLessThan(5);
    expect(
      validatePayload([
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toEqual([{ pointer: '', message: 'Must not hold the same item twice.' }]);
  });

  it('refuses payloads that are nested too deeply or name a prototype', () => {
    const { validatePayload } = compiled();
    let deep: unknown = {};
    for (let i = 0; i < 100_000; i++) deep = { deep };
    expect(validatePayload(deep)).toHaveLength(1);
    expect(validatePayload(JSON.parse('{"a":{"__proto__":1}}'))).toEqual([
      { pointer: '/a/__proto__', message: 'A member must not be named __proto__.' },
    ]);
  });

  it.each([
    ['loops in loops', 'payload.items.all(a, payload.items.all(b, payload.items.all(c, a + b + c >= 0.0)))'],
    ['a search in a loop', 'payload.items.all(a, a in payload.items)'],
    ['patterns in a loop', 'payload.items.all(a, payload.text.matches("^(x+x+)+$"))'],
    ['a growing list', 'size(payload.items.map(a, payload.items.map(b, payload.items))) > 0'],
  ])('stops a condition of %s', (_name, when) => {
    const { stages } = compiled({ stages: [stage({ when })] });
    const context = {
      payload: { items: Array.from({ length: 20_000 }, (_, i) => i), text: 'x'.repeat(10_000) },
      requester: {},
      request: { title: 't', workflow: 'w', createdAt: '2026-11-21T09:00:00.000Z', revision: 1 },
      stages: {},
    };
    let result: unknown;
    const seconds = bounded(() => (result = stages[0]?.when?.evaluate(context)));
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('steps') as string });
    expect(seconds).toBeLessThan(5);
  });
});
