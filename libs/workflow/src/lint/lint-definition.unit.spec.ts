import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseCel, plan, celEnv } from '@bufbuild/cel';
import fc from 'fast-check';
import { parse } from 'yaml';
import { arbitraryDefinition } from '../../test/arbitrary-definition';
import { parseDefinition } from '../definition/parse-definition';
import type { StageDefinition, WorkflowDefinition } from '../definition/workflow-definition';
import { findingCodes, findingsOf } from './finding';
import { lintDefinition } from './lint-definition';
import type { LintFacts } from './lint-facts';
import { refsIn } from './refs-in';

const subject = {
  type: 'object',
  required: ['amount', 'region'],
  properties: {
    amount: { type: 'number', minimum: 0, maximum: 10_000 },
    region: { type: 'string', enum: ['EMEA', 'AMER'] },
    urgent: { type: 'boolean' },
    items: { type: 'array' },
    owner: { type: 'string' },
    owners: { type: 'array' },
    due: { type: 'string' },
    count: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 3 },
  },
};
const stage = (over: object = {}): StageDefinition => ({
  key: 'finance',
  title: 'Finance',
  approvers: [{ group: 'finance' }],
  expire: { after: 'P30D' },
  ...over,
});
const definition = (over: object = {}): WorkflowDefinition => ({
  key: 'w',
  subject,
  stages: [stage()],
  ...over,
});
const found = (over: object, facts?: Parameters<typeof lintDefinition>[1]) => {
  const { errors, warnings } = lintDefinition(definition(over), facts);
  const line = (kind: string) => (finding: { pointer: string; code: string }) =>
    `${kind} ${finding.code} ${finding.pointer}`;
  return [...errors.map(line('error')), ...warnings.map(line('warning'))];
};
const ofStage = (over: object) => found({ stages: [stage(over)] });
const ofTwo = (first: object, second: object) =>
  found({ stages: [stage({ key: 'one', ...first }), stage({ key: 'two', ...second })] });
const facts = (over: Partial<LintFacts> = {}): LintFacts => ({
  unknownUsers: [],
  unknownGroups: [],
  inactiveUsers: [],
  groupSizes: [],
  roleSizes: [],
  ...over,
});
const users = (...names: string[]) => names.map((user) => ({ user }));

const PRODUCT_EXAMPLE = `
key: purchase-order
title: Purchase order
subject:
  type: object
  required: [amount, department, region]
  properties:
    amount: { type: number, exclusiveMinimum: 0 }
    department: { type: string }
    region: { type: string, enum: [EMEA, AMER, APAC] }
reasonCodes: { reject: [budget, duplicate, policy], approve: [] }
stages:
  - key: manager
    title: Line manager
    approvers: [ { manager: { levels: 1 } } ]
    sla: PT24H
    remind: { after: PT24H, every: PT24H, max: 3 }
    escalate: [ { after: P2D, to: [ { manager: { of: assignee } } ], mode: add } ]
    expire: { after: P7D, outcome: reject }
  - parallel:
      - key: finance
        when: payload.amount > 1000
        approvers: [ { group: finance } ]
        quorum: { approvals: 2 }
      - key: legal
        when: payload.region == "EMEA" && payload.amount > 5000
        approvers: [ { user: dave@example.com }, { role: general-counsel } ]
        quorum: any
  - key: owner
    approvers: [ { webhook: { url: https://erp.example.com/approvers, format: easylife, timeout: PT10S } } ]
    onNoApprovers: fail
`;

describe('ordinary definitions', () => {
  it('are found to be without errors', () => {
    const { errors, warnings } = lintDefinition(parse(PRODUCT_EXAMPLE) as WorkflowDefinition);
    expect(errors).toEqual([]);
    expect(warnings.map(({ code }) => code)).toEqual(['reason-codes-empty']);
    const text = readFileSync(join(__dirname, '../../test/purchase-order.yaml'), 'utf8');
    expect(lintDefinition(parse(text) as WorkflowDefinition).errors).toEqual([]);
  });

  it.each<[object]>([
    [{ approvers: [{ field: 'payload.owner' }], selfApproval: 'forbid' }],
    [{ approvers: users('ann'), quorum: 'any' }],
    [{ approvers: users('ann', 'bob'), quorum: 'all' }],
    [{ approvers: [{ manager: { levels: 3 } }], quorum: { approvals: 2 } }],
    [{ approvers: [{ manager: { untilLimit: 'payload.amount' } }], quorum: 'all' }],
    [{ approvers: users('ann', 'bob', 'carol'), quorum: { approvals: 2 } }],
    [
      {
        approvers: [{ group: 'legal' }, { group: 'finance' }],
        quorum: {
          each: [
            { group: 'legal', approvals: 1 },
            { group: 'finance', approvals: 2 },
          ],
        },
      },
    ],
    [{ approvers: [{ expression: 'payload.owners' }], quorum: { each: [{ group: 'legal', approvals: 1 }] } }],
    [{ when: 'has(payload.urgent) && payload.urgent' }],
    [{ when: 'payload.region == "EMEA" || payload.amount > 1000' }],
    [{ when: '!(payload.region in ["EMEA"]) && payload.amount <= 1000' }],
    [{ when: 'requester.department == "it" && requester.region != payload.region' }],
    [{ when: '"finance" in requester.groups || !("legal" in requester.groups)' }],
    [
      {
        when: 'has(payload.items) && payload.items.exists(i, i.price > 5) && !payload.items.all(i, i.price > 5)',
      },
    ],
    [{ when: 'request.revision > 1' }],
    [{ when: 'has(payload.urgent) ? payload.urgent : payload.amount > 5000' }],
    [
      {
        approvers: [
          {
            matrix: [
              { when: 'payload.amount > 5000', to: users('a') },
              { when: 'payload.amount > 500', to: users('b') },
              { when: 'true', to: users('c') },
            ],
          },
        ],
      },
    ],
    [{ remind: { after: 'P1D', every: 'P1D' }, escalate: [{ after: 'P2D', to: users('boss') }], sla: 'P3D' }],
    [{ onNoApprovers: { fallback: users('boss') } }],
    [{ notify: users('auditor') }],
  ])('are not complained about: %j', (over) => {
    expect(ofStage(over)).toEqual([]);
  });

  it('may look at what became of earlier stages', () => {
    const two = (first: object, when: string) => ofTwo(first, { when });
    expect(two({ when: 'payload.amount > 5' }, 'stages.one.state == "skipped"')).toEqual([]);
    expect(two({ when: 'payload.amount > 5' }, 'stages.one.state != "approved"')).toEqual([]);
    expect(two({ onNoApprovers: 'skip' }, 'stages.one.state == "skipped"')).toEqual([]);
    expect(two({ expire: { after: 'P1D', outcome: 'approve' } }, 'stages.one.state == "expired"')).toEqual(
      [],
    );
  });

  it('may keep deciders apart', () => {
    expect(
      ofTwo({ approvers: users('ann') }, { approvers: users('ann', 'bob'), distinctFrom: ['one'] }),
    ).toEqual([]);
    expect(ofTwo({}, { distinctFrom: ['one'], quorum: { approvals: 2 } })).toEqual([]);
  });
});

describe('conditions', () => {
  it.each([
    'false',
    '1 == 2 || "a".startsWith("b")',
    'payload.amount > 10 && payload.amount < 5',
    'payload.amount > 5 && payload.amount <= 5',
    'payload.amount > 10000',
    'payload.amount < 0.0',
    '-1 > payload.amount',
    'payload.region == "APAC"',
    'payload.region in ["APAC", "LATAM"]',
    'payload.region != "EMEA" && !(payload.region in ["AMER"])',
    'payload.urgent && !payload.urgent',
    'payload.count == 3',
    'payload.count > 1 && payload.count != 2',
    'payload.items.exists(i, i > 5) && !payload.items.exists(i, i > 5)',
    '!has(payload.amount)',
    'request.workflow == "another"',
    'payload.amount > 5 ? payload.amount < 3 : payload.amount > 7',
    '!(payload.amount >= 0 || payload.region == "EMEA")',
  ])('that can never hold are errors: %s', (when) => {
    expect(ofStage({ when })).toEqual(['error stage-never-starts /stages/0/when']);
  });

  it('that ask for a state that an earlier stage cannot have are errors', () => {
    expect(ofTwo({}, { when: 'stages.one.state == "rejected"' })).toEqual([
      'error stage-never-starts /stages/1/when',
    ]);
    expect(ofTwo({}, { when: 'stages.one.state == "skipped"' })).toHaveLength(1);
    expect(ofTwo({ when: 'false' }, { when: 'stages.one.state == "approved"' })).toEqual([
      'error stage-never-starts /stages/0/when',
      'error stage-never-starts /stages/1/when',
    ]);
  });

  it('are told apart by why they can never hold', () => {
    const message = (when: string, first: object = {}) =>
      lintDefinition(
        definition({ stages: [stage({ key: 'one', ...first }), stage({ key: 'two', title: 'Two', when })] }),
      ).errors.at(-1)?.message;
    expect(message('false')).toBe('Two can never start: its condition is false for every request.');
    expect(message('payload.amount > 9 && payload.amount < 2')).toMatch(/contradicts itself\.$/);
    expect(message('payload.region == "MARS"')).toMatch(/the subject does not allow a payload/);
    expect(message('stages.one.state == "failed"')).toMatch(/one can only be approved or expired\)\.$/);
  });

  it.each([
    'true',
    'payload.amount >= 0',
    'payload.region in ["EMEA", "AMER"]',
    'payload.urgent || !payload.urgent',
    'has(payload.amount)',
  ])('that always hold are warnings: %s', (when) => {
    expect(ofStage({ when })).toEqual(['warning condition-always-true /stages/0/when']);
  });

  it.each([
    'payload.amount > 1000 || false',
    'payload.amount > 1000 && true',
    'payload.amount > 1000 || payload.amount > 2000',
    'payload.amount > 1000 && payload.amount > 500',
    'payload.region == "EMEA" || payload.region == "EMEA"',
    'payload.amount > 1000 || payload.region == "APAC"',
    '!(payload.amount > 1000 && payload.amount > 500)',
    'payload.urgent || (payload.amount > 5 && payload.region != "MARS")',
  ])('with a part that does nothing are warnings: %s', (when) => {
    expect(ofStage({ when })).toEqual(['warning dead-branch /stages/0/when']);
  });

  it.each([
    [['payload.amount > 5', 'true', 'payload.amount > 7'], [2]],
    [['payload.amount > 5', 'payload.amount > 7'], [1]],
    [['payload.amount > 5', 'payload.amount > 5'], [1]],
    [['payload.region == "EMEA"', 'payload.region == "AMER"', 'true'], [2]],
    [['payload.region == "MARS"', 'true'], [0]],
  ])('of a matrix that are never reached are warnings: %j', (rows, dead) => {
    const matrix = rows.map((when) => ({ when, to: users('a') }));
    const expected = dead.map((row) => `warning dead-branch /stages/0/approvers/0/matrix/${row}/when`);
    expect(ofStage({ approvers: [{ matrix }] })).toEqual(expected);
  });

  it('are judged just as they turn out for every payload', () => {
    const amount = fc.integer({ min: -1, max: 5 });
    const atom = fc.oneof(
      fc
        .tuple(fc.constantFrom('>', '>=', '<', '<=', '==', '!='), amount)
        .map(([op, n]) => `payload.n ${op} ${n}.0`),
      fc.tuple(fc.constantFrom('>', '<=', '=='), amount).map(([op, n]) => `${n}.0 ${op} payload.n`),
      fc.constantFrom(
        'payload.r == "a"',
        'payload.r != "b"',
        'payload.r in ["b", "c"]',
        'payload.u',
        '!payload.u',
      ),
      fc.constantFrom('true', 'false', '1 < 2', 'payload.n + 1.0 > 3.0'),
    );
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(${a} && ${b})`),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(${a} || ${b})`),
        tie('tree').map((a) => `!(${a})`),
        fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      ),
    }));
    const small = {
      type: 'object',
      required: ['n', 'r', 'u'],
      properties: {
        n: { type: 'integer', minimum: 0, maximum: 4 },
        r: { enum: ['a', 'b', 'c'] },
        u: { type: 'boolean' },
      },
    };
    const payloads = [0, 1, 2, 3, 4].flatMap((n) =>
      ['a', 'b', 'c'].flatMap((r) => [true, false].map((u) => ({ payload: { n, r, u } }))),
    );
    const env = celEnv();
    const seen = { never: 0, always: 0, sometimes: 0 };
    fc.assert(
      fc.property(tree, (when) => {
        const run = plan(env, parseCel(when));
        const results = payloads.map((context) => run(context));
        const codes = lintDefinition({ key: 'w', subject: small, stages: [stage({ when })] });
        const never = codes.errors.some(({ code }) => code === 'stage-never-starts');
        const always = codes.warnings.some(({ code }) => code === 'condition-always-true');
        const truth = { never: !results.includes(true), always: !results.includes(false) };
        // What is computed of a value is not looked into: there, only what is claimed must be true.
        if (when.includes('+')) {
          if (never) expect(truth.never).toBe(true);
          if (always) expect(truth.always).toBe(true);
        } else expect({ never, always }).toEqual(truth);
        seen[truth.never ? 'never' : truth.always ? 'always' : 'sometimes'] += 1;
      }),
      { numRuns: 500 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(15);
  });
});

describe('quorums', () => {
  it.each<[object, string[]]>([
    [
      { approvers: users('ann'), quorum: { approvals: 2 } },
      ['error quorum-unreachable /stages/0/quorum/approvals'],
    ],
    [
      { approvers: users('ann', 'Ann'), quorum: { approvals: 2 } },
      ['error quorum-unreachable /stages/0/quorum/approvals'],
    ],
    [
      { approvers: [{ manager: {} }], quorum: { approvals: 2 } },
      ['error quorum-unreachable /stages/0/quorum/approvals'],
    ],
    [
      {
        approvers: [{ matrix: [{ when: 'payload.amount > 5', to: users('a', 'b') }] }],
        quorum: { approvals: 3 },
      },
      ['error quorum-unreachable /stages/0/quorum/approvals'],
    ],
    [
      { approvers: users('ann'), quorum: { approvals: 2 }, escalate: [{ after: 'P1D', to: users('boss') }] },
      ['warning quorum-needs-escalation /stages/0/quorum/approvals'],
    ],
    [
      { quorum: { approvals: 2 }, onNoApprovers: { fallback: users('boss') } },
      ['warning quorum-may-be-unreachable /stages/0/onNoApprovers/fallback'],
    ],
    [
      { approvers: users('ann', 'bob'), quorum: { approvals: 2 } },
      ['warning quorum-may-be-unreachable /stages/0/quorum/approvals'],
    ],
    [{ approvers: users('ann', 'bob'), quorum: { approvals: 2 }, selfApproval: 'allow' }, []],
    [
      { approvers: users('ann'), reject: { rejections: 2 } },
      ['warning rejections-unreachable /stages/0/reject'],
    ],
    [
      { approvers: users('ann', 'bob'), quorum: { each: [{ user: 'ann', approvals: 2 }] } },
      ['error quorum-unreachable /stages/0/quorum/each/0/approvals'],
    ],
    [
      { approvers: users('ann'), quorum: { each: [{ user: 'bob', approvals: 1 }] } },
      ['error quorum-unreachable /stages/0/quorum/each/0'],
    ],
    [
      { approvers: [{ group: 'sales' }], quorum: { each: [{ group: 'legal', approvals: 1 }] } },
      ['warning quorum-part-not-asked /stages/0/quorum/each/0'],
    ],
    [
      {
        approvers: [{ group: 'legal' }],
        order: 'sequential',
        quorum: { each: [{ group: 'legal', approvals: 1 }] },
      },
      ['warning sequential-each /stages/0/quorum/each'],
    ],
  ])('of one stage %j', (over, expected) => {
    expect(ofStage(over)).toEqual(expected);
  });

  it.each<[object, object, string[]]>([
    [
      { approvers: users('ann') },
      { approvers: users('ann') },
      ['error quorum-unreachable /stages/1/distinctFrom'],
    ],
    [
      { approvers: [{ manager: {} }] },
      { approvers: [{ manager: { levels: 1 } }] },
      ['error quorum-unreachable /stages/1/distinctFrom'],
    ],
    [
      { approvers: users('ann') },
      { approvers: users('ann', 'bob'), quorum: { approvals: 2 } },
      ['error quorum-unreachable /stages/1/distinctFrom'],
    ],
    [
      { approvers: users('ann', 'bob'), quorum: 'all' },
      { approvers: users('ann', 'bob') },
      ['error quorum-unreachable /stages/1/distinctFrom'],
    ],
    [
      { approvers: users('ann'), when: 'payload.amount > 5' },
      { approvers: users('ann') },
      ['warning quorum-may-be-unreachable /stages/1/distinctFrom'],
    ],
    [
      { approvers: users('ann', 'carol') },
      { approvers: users('ann', 'bob'), quorum: { approvals: 2 } },
      ['warning quorum-may-be-unreachable /stages/1/distinctFrom'],
    ],
    [
      { approvers: users('ann') },
      { approvers: users('ann'), onNoApprovers: { fallback: users('boss') } },
      ['warning quorum-may-be-unreachable /stages/1/distinctFrom'],
    ],
  ])('of deciders that are kept apart %j %j', (first, second, expected) => {
    expect(ofTwo(first, { ...second, distinctFrom: ['one'] })).toEqual(expected);
  });
});

describe('people', () => {
  it('whom the directory does not know are errors at each place', () => {
    expect(
      found(
        {
          stages: [
            {
              parallel: [
                stage({
                  approvers: [{ matrix: [{ when: 'payload.amount > 5', to: users('ann', 'bob') }] }],
                  onNoApprovers: { fallback: users('ann') },
                  escalate: [{ after: 'P1D', to: [{ group: 'finance' }] }],
                  notify: users('ann'),
                  quorum: { each: [{ group: 'finance', approvals: 1 }] },
                }),
              ],
            },
          ],
        },
        facts({ unknownUsers: ['ann'], unknownGroups: ['finance'] }),
      ),
    ).toEqual([
      'error unknown-user /stages/0/parallel/0/approvers/0/matrix/0/to/0/user',
      'error unknown-user /stages/0/parallel/0/onNoApprovers/fallback/0/user',
      'error unknown-user /stages/0/parallel/0/notify/0/user',
      'error unknown-group /stages/0/parallel/0/escalate/0/to/0/group',
      'error unknown-group /stages/0/parallel/0/quorum/each/0/group',
    ]);
  });

  it('and stages are named in the sentences as they are written', () => {
    const unknown = facts({ unknownUsers: ['dave@example.com'], unknownGroups: ['finance'] });
    const approvers = [...users('dave@example.com'), { group: 'finance' }];
    const never = { key: 'never', approvers, when: 'false' };
    const { errors } = lintDefinition(definition({ stages: [never] }), unknown);
    expect(errors.map(({ message }) => message)).toEqual([
      'The stage never can never start: its condition is false for every request.',
      'The user dave@example.com is nobody in the directory, or more than one person.',
      'The group finance is not in the directory, or there is more than one.',
    ]);
  });

  it('are listed with their places, so that the directory can be asked', () => {
    const approvers = [{ user: 'ann' }, { user: { field: 'payload.x' } }, { group: 'g' }, { role: 'r' }];
    expect(refsIn(definition({ stages: [stage({ approvers })] }))).toEqual({
      users: [{ ref: 'ann', pointer: '/stages/0/approvers/0/user' }],
      groups: [{ ref: 'g', pointer: '/stages/0/approvers/2/group' }],
      roles: [{ ref: 'r', pointer: '/stages/0/approvers/3/role' }],
    });
  });

  it.each<[object, string[]]>([
    [
      { approvers: users('a'), onNoApprovers: { fallback: users('a') } },
      ['error fallback-cycle /stages/0/onNoApprovers/fallback'],
    ],
    [
      {
        approvers: [{ manager: {} }, { group: 'g' }],
        onNoApprovers: { fallback: [{ manager: { of: 'requester', levels: 1 } }] },
      },
      ['error fallback-cycle /stages/0/onNoApprovers/fallback'],
    ],
    [
      { approvers: users('a'), onNoApprovers: { fallback: users('b', 'a') } },
      ['warning fallback-cycle /stages/0/onNoApprovers/fallback/1'],
    ],
    [
      { approvers: users('a', 'b'), notify: users('c', 'b') },
      ['warning notify-repeats-approvers /stages/0/notify/1'],
    ],
  ])('who are asked twice %j', (over, expected) => {
    expect(ofStage(over)).toEqual(expected);
  });
});

describe('timers, calendars and reason codes', () => {
  const expire = { after: 'P2D' };
  it.each<[object, string[]]>([
    [{ expire, remind: { after: 'PT48H' } }, ['warning remind-after-expiry /stages/0/remind/after']],
    [
      {
        expire,
        escalate: [
          { after: 'P1D', to: users('b') },
          { after: 'P3D', to: users('b') },
        ],
      },
      ['warning escalate-after-expiry /stages/0/escalate/1/after'],
    ],
    [{ expire, sla: 'P3D' }, ['warning sla-after-expiry /stages/0/sla']],
    [{ expire, sla: 'P2D' }, []],
    [{ expire, sla: { field: 'payload.due' } }, []],
  ])('of one stage %j', (over, expected) => {
    expect(ofStage(over)).toEqual(expected);
  });

  it('compare days with hours of working time only where that is sure', () => {
    const calendars = { office: { timeZone: 'UTC', weekly: { mon: ['09:00-10:00'] } } };
    const on = (sla: string) => found({ calendars, calendar: 'office', stages: [stage({ expire, sla })] });
    expect(on('PT72H')).toEqual([]);
    expect(on('P3D')).toEqual(['warning sla-after-expiry /stages/0/sla']);
    expect(on('P2DT1H')).toEqual(['warning sla-after-expiry /stages/0/sla']);
    expect(on('P1DT1H')).toEqual([]);
  });

  it('that nobody set or nobody uses are warnings', () => {
    const calendars = { 'a/b': { timeZone: 'UTC', weekly: {} }, used: { timeZone: 'UTC', weekly: {} } };
    expect(
      found({
        calendars,
        reasonCodes: { approve: [], reject: ['x'] },
        stages: [stage({ expire: undefined, calendar: 'used' })],
      }),
    ).toEqual([
      'warning no-timeout /stages',
      'warning calendar-unused /calendars/a~1b',
      'warning reason-codes-empty /reasonCodes/approve',
    ]);
  });
});

describe('findings', () => {
  it('are made of what parsing found, too', () => {
    const problem = (pointer: string) => ({ pointer, message: 'Is wrong.' });
    expect(
      findingsOf(
        ['', '/subject/type', '/subjects', '/stages/0/when', '/stages/0/approvers/0/expression'].map(problem),
      ).map(({ code }) => code),
    ).toEqual([
      'definition-invalid',
      'subject-invalid',
      'definition-invalid',
      'condition-invalid',
      'condition-invalid',
    ]);
  });

  it('of any definition are sentences with a code and a place that exists', () => {
    const codes = new Set<string>();
    fc.assert(
      fc.property(arbitraryDefinition, (any) => {
        expect(parseDefinition({ json: any })).toMatchObject({ ok: true });
        const { errors, warnings } = lintDefinition(
          any,
          facts({
            unknownUsers: ['ann'],
            unknownGroups: ['legal'],
            inactiveUsers: ['bob'],
            groupSizes: [{ ref: 'finance', people: 1 }],
            roleSizes: [
              { ref: 'counsel', people: 1_001 },
              { ref: 'buyer', people: 0 },
            ],
          }),
        );
        for (const { pointer, code, message } of [...errors, ...warnings]) {
          codes.add(code);
          expect(findingCodes).toContain(code);
          expect(message).toMatch(/^[^a-z ].*\.$/s);
          expect(message).not.toMatch(/undefined|\[object|Infinity|NaN| {2}/);
          const tokens = pointer.split('/').slice(1);
          let at: unknown = any;
          for (const token of tokens) at = (at as Record<string, unknown>)[token];
          expect([pointer, at]).not.toEqual([pointer, undefined]);
        }
      }),
      { numRuns: 300 },
    );
    expect(codes.size).toBeGreaterThan(12);
  });

  it('cost a bounded time, whatever the conditions are', () => {
    const wide = Array.from(
      { length: 24 },
      (_, n) => `(payload.a${n} == ${n} || payload.b${n} == ${n})`,
    ).join(' && ');
    const rows = Array.from({ length: 18 }, () => ({ when: wide, to: users('a') }));
    const stages = Array.from({ length: 10 }, (_, n) =>
      stage({ key: `s${n}`, when: wide, approvers: [{ matrix: rows }], distinctFrom: n > 0 ? ['s0'] : [] }),
    );
    expect(JSON.stringify(stages).length).toBeGreaterThan(190_000);
    const { errors } = lintDefinition({ key: 'w', stages });
    expect(errors).toEqual([]);
  });
});
