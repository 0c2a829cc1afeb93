import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { arbitraryDefinition } from '../../test/arbitrary-definition';
import { stagesOf, type StageDefinition, type WorkflowDefinition } from '../definition/workflow-definition';
import { diffDefinitions } from './diff-definitions';

const definition = (over: object = {}): WorkflowDefinition => ({ key: 'w', stages: [stage()], ...over });
const stage = (over: object = {}): StageDefinition => ({
  key: 'finance',
  title: 'Finance',
  approvers: [{ group: 'finance' }],
  ...over,
});
const messages = (from: object, to: object) =>
  diffDefinitions(definition(from), definition(to)).map(({ message }) => message);
const stageMessages = (from: object, to: object) =>
  messages({ stages: [stage(from)] }, { stages: [stage(to)] });
const named = (...keys: (string | string[])[]) => ({
  stages: keys.map((key) =>
    typeof key === 'string'
      ? stage({ key, title: key })
      : { parallel: key.map((one) => stage({ key: one, title: one })) },
  ),
});

describe('the difference of two definitions', () => {
  it('is nothing for the same definition, whatever is left to its default', () => {
    const text = readFileSync(join(__dirname, '../../test/purchase-order.yaml'), 'utf8');
    const order = parse(text) as WorkflowDefinition;
    expect(diffDefinitions(order, structuredClone(order))).toEqual([]);
    expect(
      stageMessages(
        {},
        {
          order: 'parallel',
          quorum: { approvals: 1 },
          reject: { rejections: 1 },
          selfApproval: 'forbid',
          onNoApprovers: 'fail',
          onReject: 'reject',
          comment: 'optional',
          distinctFrom: [],
          notify: [],
          escalate: [],
          reads: [],
        },
      ),
    ).toEqual([]);
    expect(
      messages(
        {},
        {
          title: 'w',
          onNoStage: 'fail',
          onChange: 'material',
          maxRevisions: 100,
          subject: true,
          calendars: {},
        },
      ),
    ).toEqual([]);
    expect(messages(named('a'), named(['a']))).toEqual([]);
  });

  it('names where it is', () => {
    expect(
      diffDefinitions(
        definition({ stages: [stage(), stage({ key: 'legal', title: 'Legal' })] }),
        definition({
          stages: [{ parallel: [stage({ when: 'payload.amount > 5' }), stage({ key: 'board' })] }],
        }),
      ).map(({ pointer, stage }) => [pointer, stage]),
    ).toEqual([
      ['/stages/1', 'legal'],
      ['/stages/0/parallel/1', 'board'],
      ['/stages/0/parallel/0/when', 'finance'],
    ]);
  });

  it.each([
    [
      { when: 'payload.amount > 1000' },
      { when: 'payload.amount > 2000' },
      'Finance now starts when amount is above 2000 instead of above 1000.',
    ],
    [
      { when: 'payload.amount > 1000' },
      { when: 'payload.amount >= 1000' },
      'Finance now starts when amount is at least 1000 instead of above 1000.',
    ],
    [
      {},
      { when: 'payload.amount > 1000' },
      'Finance now starts only when amount is above 1000; before, it always started.',
    ],
    [
      { when: 'payload.amount > 1000' },
      {},
      'Finance now always starts; before, only when amount is above 1000.',
    ],
    [
      { when: 'payload.a > 1' },
      { when: 'payload.b == "x"' },
      'Finance now starts when b is x, instead of when a is above 1.',
    ],
    [
      { when: 'payload.a>1' },
      { when: 'payload.a > 1' },
      'The condition of Finance is written differently: “payload.a > 1”.',
    ],
    [{}, { title: 'Money' }, 'The stage “Finance” is now called “Money”.'],
    [{}, { approvers: [{ group: 'finance' }, { user: 'dave' }] }, 'Finance is now also decided by dave.'],
    [
      {},
      { approvers: [{ manager: { untilLimit: 'payload.amount' } }] },
      'Finance is now decided by the managers above the requester until an approval limit covers payload.amount instead of the members of finance.',
    ],
    [
      { approvers: [{ user: 'a' }, { user: 'b' }] },
      { approvers: [{ user: 'b' }] },
      'Finance is no longer decided by a.',
    ],
    [
      { approvers: [{ user: 'a' }, { user: 'b' }] },
      { approvers: [{ user: 'b' }, { user: 'a' }] },
      'The approvers of Finance are listed in another order: b and a.',
    ],
    [
      { approvers: [{ matrix: [{ when: 'payload.a > 1', to: [{ group: 'x' }] }] }] },
      { approvers: [{ matrix: [{ when: 'payload.a > 2', to: [{ group: 'x' }] }] }] },
      'Row 1 of the table that gives the approvers of Finance now applies when a is above 2 instead of when a is above 1.',
    ],
    [
      { approvers: [{ webhook: { url: 'https://a.example.com' } }] },
      { approvers: [{ webhook: { url: 'https://a.example.com', timeout: 'PT20S' } }] },
      'Finance is now decided by whoever https://a.example.com answers within 20 seconds instead of whoever https://a.example.com answers.',
    ],
    [
      {},
      { order: 'sequential' },
      'The approvers of Finance are now asked one after another instead of all at once.',
    ],
    [{}, { quorum: { approvals: 2 } }, 'Finance now needs two approvals instead of one.'],
    [{}, { quorum: 'all' }, 'Finance now needs the approval of everybody instead of one approval.'],
    [
      { quorum: { percent: 50 } },
      { quorum: { each: [{ group: 'legal', approvals: 2 }] } },
      'Finance now needs two approvals by the members of legal instead of the approval of at least 50 %.',
    ],
    [
      {},
      { reject: { rejections: 2 } },
      'Finance now ends as rejected after two rejections, instead of after one rejection.',
    ],
    [
      {},
      { selfApproval: 'allow' },
      'In Finance, now: the requester may decide as well; before: the requester is left out.',
    ],
    [
      {},
      { onNoApprovers: 'skip' },
      'When nobody can be found for Finance, now: the stage is skipped; before: the request fails.',
    ],
    [
      { onNoApprovers: { fallback: [{ user: 'a' }] } },
      { onNoApprovers: { fallback: [{ user: 'b' }] } },
      'When nobody can be found for Finance, the task now goes to b instead of to a.',
    ],
    [
      {},
      { onReject: 'return' },
      'A rejection in Finance now returns the request to the requester instead of ending it.',
    ],
    [{}, { sla: 'PT24H' }, 'Finance now is due after 24 hours; before, it had no deadline.'],
    [
      { sla: 'P1D' },
      { sla: { field: 'payload.due' } },
      'Finance now is due as payload.due says; before, it was due after 1 day.',
    ],
    [
      { remind: { after: 'P1D' } },
      { remind: { after: 'P2D' } },
      'Finance is now reminded after 2 days instead of 1 day.',
    ],
    [
      {},
      { remind: { after: 'P1D', every: 'P1D', max: 3 } },
      'Finance is now reminded after 1 day, then every day, with at most three reminders.',
    ],
    [{ remind: { after: 'P1D' } }, {}, 'Finance is no longer reminded.'],
    [
      { remind: { after: 'P1D', every: 'P1D', max: 3 } },
      { remind: { after: 'P1D', every: 'P2D', max: 3 } },
      'Finance is now reminded every 2 days instead of every day.',
    ],
    [
      { remind: { after: 'P1D' } },
      { remind: { after: 'P1D', max: 2 } },
      'Finance now gets at most two reminders instead of one reminder.',
    ],
    [
      {},
      { escalate: [{ after: 'P2D', to: [{ manager: { of: 'assignee' } }] }] },
      "Finance is now escalated: after 2 days the task goes to the approver's line manager as well.",
    ],
    [
      { escalate: [{ after: 'P2D', to: [{ user: 'a' }] }] },
      { escalate: [{ after: 'P3D', to: [{ user: 'a' }] }] },
      'Finance is now escalated after 3 days instead of 2 days.',
    ],
    [{}, { expire: { after: 'P7D' } }, 'Finance now expires after 7 days: the request is rejected then.'],
    [
      { expire: { after: 'P7D' } },
      { expire: { after: 'P7D', outcome: 'approve' } },
      'When Finance expires, now: the stage counts as approved; before: the request is rejected.',
    ],
    [{ expire: { after: 'P7D' } }, {}, 'Finance no longer expires.'],
    [
      {},
      { comment: 'required' },
      'In Finance, now: every decision needs a comment; before: comments are optional.',
    ],
    [{}, { notify: [{ group: 'audit' }] }, 'Finance now also informs the members of audit.'],
    [
      {},
      { calendar: 'office' },
      "Finance now counts time by the calendar office instead of the workflow's own calendar.",
    ],
    [
      {},
      { reads: ['payload.a', 'payload.b'] },
      'People who decide Finance now also look at payload.a and payload.b.',
    ],
    [{ distinctFrom: ['manager'] }, {}, 'Whoever decides manager may now also decide Finance.'],
  ])('of a stage %j and %j is told in words', (from, to, message) => {
    expect(stageMessages(from, to)).toEqual([message]);
  });

  it.each([
    [
      named('a', 'b'),
      named('a', 'x', 'b'),
      ['A new stage x was added after a: it is decided by the members of finance.'],
    ],
    [
      named('a', 'b'),
      named('x', 'a', 'b'),
      ['A new stage x was added as the first: it is decided by the members of finance.'],
    ],
    [
      named('a', 'b'),
      named('a', ['b', 'x']),
      ['A new stage x was added in parallel with b: it is decided by the members of finance.'],
    ],
    [
      named(['a', 'b'], 'c'),
      named(['a', 'b'], 'x', 'c'),
      ['A new stage x was added after a and b: it is decided by the members of finance.'],
    ],
    [named('a', 'b'), named('a'), ['The stage b was removed.']],
    [named('a', 'b', 'c'), named('c', 'a', 'b'), ['C was moved: it now comes first.']],
    [named('a', 'b', 'c'), named('b', 'c', 'a'), ['A was moved: it now comes after c.']],
    [
      named('a', 'b'),
      named(['a', 'b']),
      ['A now runs in parallel with b.', 'B now runs in parallel with a.'],
    ],
    [
      named(['a', 'b']),
      named('a', 'b'),
      [
        'A no longer runs in parallel with b; it now runs as the first.',
        'B no longer runs in parallel with a; it now runs after a.',
      ],
    ],
    [
      named(['a', 'b'], 'c'),
      named('b', ['a', 'c']),
      expect.arrayContaining(['A now runs in parallel with c instead of with b.']),
    ],
  ])('of stages in other places %# is told in words', (from, to, expected) => {
    expect(messages(from, to)).toEqual(expected);
  });

  it.each([
    [{}, { title: 'Orders' }, ['The workflow “w” is now called “Orders”.']],
    [
      {},
      { onNoStage: 'approve' },
      ['When no stage applies, now: the request is approved; before: the request fails.'],
    ],
    [
      {},
      { onChange: 'all' },
      [
        'A change of a pending request now dismisses all approvals; before, it dismissed the approvals that it touches.',
      ],
    ],
    [{}, { maxRevisions: 5 }, ['A request may now have 5 revisions instead of 100.']],
    [
      {},
      { calendar: 'office' },
      ['Time now counts by the working hours of the calendar office instead of the clock.'],
    ],
    [
      {},
      { reasonCodes: { reject: ['budget'] } },
      [
        'Only listed reason codes may now be given: for an approval none, a rejection budget and a return none.',
      ],
    ],
    [
      { reasonCodes: { reject: ['budget'] } },
      { reasonCodes: { reject: ['policy', 'price'] } },
      [
        'A rejection may now also give the reason codes policy and price.',
        'A rejection may no longer give the reason code budget.',
      ],
    ],
    [{ reasonCodes: {} }, {}, ['Decisions may now give any reason code.']],
    [
      {},
      { calendars: { office: { timeZone: 'UTC', weekly: {} } } },
      ['A new calendar office was added, in the time zone UTC.'],
    ],
    [
      { calendars: { office: { timeZone: 'UTC', weekly: { mon: ['09:00-17:00'] } } } },
      {
        calendars: {
          office: { timeZone: 'Europe/Berlin', weekly: { fri: ['09:00-17:00'] }, holidays: ['2026-12-25'] },
        },
      },
      [
        'In the calendar office, the time zone is now Europe/Berlin instead of UTC.',
        'In the calendar office, Monday now has no working time instead of 09:00-17:00.',
        'In the calendar office, Friday now has 09:00-17:00 instead of no working time.',
        'In the calendar office, 2026-12-25 is now free.',
      ],
    ],
  ])('of the whole workflow %j and %j is told in words', (from, to, expected) => {
    expect(messages(from, to)).toEqual(expected);
  });

  it.each([
    [
      { properties: { a: { type: 'string' } } },
      { properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['b'] },
      ['A new field b was added: a number, required.'],
    ],
    [
      { properties: { a: { type: 'string' } }, required: ['a'] },
      { properties: {}, required: [] },
      ['The field a was removed.'],
    ],
    [{ properties: { a: {} } }, { properties: { a: {} }, required: ['a'] }, ['The field a is now required.']],
    [{ properties: { a: {} }, required: ['a'] }, { properties: { a: {} } }, ['The field a is now optional.']],
    [
      { properties: { a: { type: 'string' } } },
      { properties: { a: { type: ['number', 'null'] } } },
      ['The field a is now a number or nothing instead of a text.'],
    ],
    [
      { properties: { a: { enum: ['x', 'y'] } } },
      { properties: { a: { enum: ['x', 'z'] } } },
      ['The field a may now also be “z”.', 'The field a may no longer be “y”.'],
    ],
    [
      { properties: { a: { minimum: 1 } } },
      { properties: { a: { minimum: 2 } } },
      ['The field a must now be at least 2 instead of 1.'],
    ],
    [
      { properties: { a: {} } },
      { properties: { a: { maxLength: 9 } } },
      ['The field a must now have a length of at most 9.'],
    ],
    [
      { properties: { a: { properties: { b: { type: 'string' } } } } },
      { properties: { a: { properties: { b: { type: 'boolean' } } } } },
      ['The field a.b is now true or false instead of a text.'],
    ],
    [
      { properties: { a: { items: { type: 'string' } } } },
      { properties: { a: { items: { type: 'number' } } } },
      ['Each entry of the field a is now a number instead of a text.'],
    ],
    [{}, { additionalProperties: false }, ['The payload may no longer have fields that are not listed.']],
    [
      { oneOf: [{ type: 'string' }] },
      { oneOf: [{ type: 'number' }] },
      ['The rule oneOf of the payload was changed.'],
    ],
    [{ description: 'a' }, { description: 'b' }, ['The description of the payload was changed.']],
    [true, {}, ['The payload now accepts what its rules say instead of anything.']],
  ])('of the subjects %j and %j is told in words', (from, to, expected) => {
    expect(messages({ subject: from }, { subject: to })).toEqual(expected);
  });
});

/** What both definitions mean, written without the code under test. */
function meaning(definition: WorkflowDefinition): unknown {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    const object = Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => [key, walk(member)]),
    );
    if (typeof object.user === 'object') return { field: (object.user as { field: string }).field };
    if (typeof object.manager === 'object') {
      const manager = object.manager as Record<string, unknown>;
      const limit = 'untilLimit' in manager ? {} : { levels: 1 };
      return { manager: walk({ of: 'requester', ...limit, ...manager, marked: true }) };
    }
    return 'url' in object ? { format: 'easylife', timeout: 'PT10S', ...object } : object;
  };
  const stages = definition.stages.map((entry) => ('parallel' in entry ? entry.parallel : [entry]));
  const full = (stage: StageDefinition) => ({
    title: stage.key,
    order: 'parallel',
    selfApproval: 'forbid',
    onNoApprovers: 'fail',
    onReject: 'reject',
    comment: 'optional',
    ...stage,
    quorum: JSON.stringify(stage.quorum ?? 'any').replace('{"approvals":1}', '"any"'),
    reject: JSON.stringify(stage.reject ?? 'any').replace('{"rejections":1}', '"any"'),
    remind: stage.remind && { max: stage.remind.every ? 100 : 1, ...stage.remind },
    expire: stage.expire && { outcome: 'reject', ...stage.expire },
    escalate: (stage.escalate ?? []).map((one) => ({ mode: 'add', ...one })),
  });
  const calendars = Object.entries(definition.calendars ?? {}).map(([name, one]) => [
    name,
    { holidays: [], ...one },
  ]);
  const codes = definition.reasonCodes;
  const top = {
    title: definition.key,
    onNoStage: 'fail',
    onChange: 'material',
    maxRevisions: 100,
    ...definition,
    reasonCodes: codes && { approve: [], reject: [], return: [], ...codes },
    calendars: Object.fromEntries(calendars) as object,
    stages: stages.map((step) => step.map(full)),
  };
  return JSON.stringify(walk(JSON.parse(JSON.stringify(top))));
}

/** The first definition with some members of the second in it, at the top and in stages of the same key. */
function mixed(a: WorkflowDefinition, b: WorkflowDefinition, picks: boolean[]): WorkflowDefinition {
  let at = 0;
  const pick = () => picks[(at += 1) % picks.length] === true;
  const mix = <T extends object>(one: T, other: T): T => {
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) => key !== 'stages');
    const entries = keys.map((key) => [key, (pick() ? other : one)[key as keyof T]]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as T;
  };
  const others = new Map(stagesOf(b).map(({ stage }) => [stage.key, stage]));
  const mixStage = (one: StageDefinition) => mix(one, others.get(one.key) ?? one);
  const stages = pick()
    ? b.stages
    : a.stages.map((entry) =>
        'parallel' in entry ? { parallel: entry.parallel.map(mixStage) } : mixStage(entry),
      );
  return { ...mix(a, b), stages };
}

describe('the difference of any two definitions', () => {
  it('is empty exactly when they mean the same, and always made of sentences', () => {
    const picks = fc.array(
      fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      { minLength: 7, maxLength: 40 },
    );
    let same = 0;
    let different = 0;
    fc.assert(
      fc.property(arbitraryDefinition, arbitraryDefinition, picks, (a, b, pick) => {
        const c = mixed(a, b, pick);
        const differences = diffDefinitions(a, c);
        const equal = meaning(a) === meaning(c);
        if (equal) same += 1;
        else different += 1;
        expect(differences.length === 0).toBe(equal);
        expect(diffDefinitions(c, a).length === 0).toBe(equal);
        for (const { pointer, message } of differences) {
          expect(message).toMatch(/^[^a-z ].*\.$/s);
          expect(message).not.toMatch(/undefined|\[object|null| {2}/);
          expect(pointer).toMatch(/^\//);
        }
      }),
      { numRuns: 300 },
    );
    expect(Math.min(same, different)).toBeGreaterThan(20);
  });

  it('is found for the largest definitions', () => {
    const many = (order: number[]) =>
      definition({ stages: order.map((n) => stage({ key: `s${n}`, title: `Stage ${n}` })) });
    const order = Array.from({ length: 500 }, (_, n) => n);
    expect(diffDefinitions(many(order), many([...order].reverse())).length).toBe(499);
    const wide = (from: number) => ({
      stages: [{ parallel: order.map((n) => stage({ key: `s${n + from}` })) }],
    });
    expect(messages(wide(0), wide(250)).length).toBeGreaterThan(499);
  });
});
