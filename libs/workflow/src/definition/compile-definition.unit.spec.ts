import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileDefinition, publishProblems } from './compile-definition';
import { parseDefinition } from './parse-definition';
import type { WorkflowDefinition } from './workflow-definition';

const text = readFileSync(join(__dirname, '../../test/whole-language.yaml'), 'utf8');

function definition(): WorkflowDefinition {
  const parsed = parseDefinition({ text, mediaType: 'application/yaml' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

function compiled(stages: object[], over: object = {}) {
  const parsed = parseDefinition({
    json: {
      key: 'w',
      ...over,
      stages: stages.map((stage, index) => ({ key: `s${index}`, approvers: [{ user: 'ann' }], ...stage })),
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compileDefinition(parsed.definition);
}

describe('the whole language', () => {
  const { stages, ...top } = compileDefinition(definition());
  const stage = (key: string) => stages.find((each) => each.key === key);

  it('is compiled with everything said or filled in', () => {
    expect(top).toMatchObject({
      key: 'whole-language',
      title: 'Everything',
      onNoStage: 'approve',
      onChange: 'all',
      maxRevisions: 5,
      reasonCodes: { approve: [], reject: ['budget', 'policy'], return: ['unclear'] },
    });
    expect(stages.map(({ key, step }) => [key, step])).toEqual([
      ['manager', 0],
      ['finance', 1],
      ['legal', 1],
      ['owner', 2],
      ['system', 3],
    ]);
    expect(stage('manager')).toMatchObject({
      title: 'Line manager',
      approvers: [{ manager: { of: 'requester', levels: 1 } }, { manager: { of: 'requester', levels: 2 } }],
      order: 'sequential',
      quorum: 'all',
      reject: 'any',
      selfApproval: 'reroute',
      onReject: 'return',
      sla: 'PT24H',
      remind: { after: 'PT8H', every: 'PT8H', max: 3 },
      expire: { after: 'P7D', outcome: 'reject' },
      comment: 'required-on-reject',
      notify: [{ role: 'controller' }, { expression: { text: 'requester.manager' } }],
    });
    expect(stage('finance')).toMatchObject({
      when: { text: 'payload.amount > 1000' },
      approvers: [{ group: 'finance' }, { manager: { of: 'requester', untilLimit: 'payload.amount' } }],
      reject: { rejections: 2 },
      onNoApprovers: { fallback: [{ user: 'cfo' }, { manager: { of: 'requester', untilLimit: 5000 } }] },
      sla: { field: 'payload.dueBy' },
    });
    expect(stage('legal')).toMatchObject({ title: 'legal', remind: { after: 'PT4H', every: null, max: 1 } });
    expect(stage('owner')?.approvers[0]).toEqual({ user: { field: 'payload.owner.id' } });
    expect(stage('system')?.approvers).toEqual([
      { webhook: { url: 'https://erp.example.com/approvers', format: 'easylife', timeout: 'PT10S' } },
      { webhook: { url: 'https://erp.example.com/more', format: 'countersign', timeout: 'PT30S' } },
    ]);
  });

  it('has escalations by time, the earliest first', () => {
    expect(stage('manager')?.escalate).toEqual([
      { place: 1, after: 'P2D', to: [{ manager: { of: 'assignee', levels: 1 } }], mode: 'add' },
      { place: 0, after: 'P3D', to: [{ user: 'boss' }], mode: 'replace' },
    ]);
  });

  it('keeps stages apart both ways', () => {
    expect(stages.map(({ key, distinctFrom }) => [key, distinctFrom])).toEqual([
      ['manager', ['finance']],
      ['finance', ['manager', 'owner']],
      ['legal', ['owner']],
      ['owner', ['finance', 'legal']],
      ['system', []],
    ]);
  });

  it('knows what each stage looks at', () => {
    const reads = (key: string) => [...(stage(key)?.reads ?? [])].sort();
    expect(reads('manager')).toEqual([]);
    expect(reads('finance')).toEqual(['payload.amount', 'payload.attachment']);
    expect(reads('legal')).toEqual([
      'payload.amount',
      'payload.owner.id',
      'payload.region',
      'payload.reviewers',
      'stages.manager.state',
    ]);
    expect(reads('owner')).toEqual([
      'payload.owner.group',
      'payload.owner.id',
      'payload.reviewers',
      'requester.userName',
      'stages.legal.state',
    ]);
    expect(reads('system')).toEqual(['payload']);
  });

  it('counts the working time of the calendar that the stage or the workflow names', () => {
    const friday = '2026-11-20T12:00:00.000Z';
    expect(stage('manager')?.calendar?.add(friday, 'PT2H')).toBe('2026-11-23T09:00:00.000Z');
    expect(stage('finance')?.calendar?.add(friday, 'PT2H')).toBe('2026-11-20T14:00:00.000Z');
  });

  it('may be published', () => {
    expect(publishProblems(compileDefinition(definition()))).toEqual([]);
  });
});

describe('a stage that says little', () => {
  it('gets every default', () => {
    const [stage] = compiled([{}]).stages;
    expect(stage).toEqual({
      key: 's0',
      title: 's0',
      step: 0,
      when: null,
      approvers: [{ user: 'ann' }],
      order: 'parallel',
      quorum: 'any',
      reject: 'any',
      selfApproval: 'forbid',
      distinctFrom: [],
      onNoApprovers: 'fail',
      onReject: 'reject',
      sla: null,
      remind: null,
      escalate: [],
      expire: null,
      comment: 'optional',
      notify: [],
      calendar: null,
      reads: [],
      unguarded: [],
    });
  });

  it('belongs to a workflow with defaults', () => {
    expect(compiled([{}])).toMatchObject({
      title: 'w',
      onNoStage: 'fail',
      onChange: 'material',
      maxRevisions: 100,
      reasonCodes: { approve: null, reject: null, return: null },
    });
  });

  it.each([
    [{ remind: { after: 'PT1H', every: 'PT1H' } }, 100],
    [{ remind: { after: 'PT1H' } }, 1],
    [{ remind: { after: 'PT1H', every: 'PT1H', max: 7 } }, 7],
  ])('reminds as often as %j says', (over, max) => {
    expect(compiled([over]).stages[0]?.remind?.max).toBe(max);
  });
});

describe('what a stage looks at', () => {
  const reads = (over: object) => compiled([over]).stages[0]?.reads;

  it.each([
    [{ when: 'payload.a.b > 1' }, ['payload.a.b']],
    [{ when: 'payload["a"]["b"] > 1' }, ['payload.a.b']],
    [{ when: 'has(payload.a)' }, ['payload.a']],
    [{ when: 'size(payload) > 1' }, ['payload']],
    [{ when: 'payload["a.b"] > 1' }, ['payload']],
    [{ when: 'payload.items.exists(i, i.price > payload.limit)' }, ['payload.items', 'payload.limit']],
    [{ when: 'payload.items[0].price > 1' }, ['payload.items']],
    [{ when: 'payload[request.title] == 1' }, ['payload', 'request.title']],
    [{ approvers: [{ user: { field: 'payload.who' } }] }, ['payload.who']],
    [{ quorum: { each: [{ group: { field: 'payload.team' }, approvals: 1 }] } }, ['payload.team']],
    [{ onNoApprovers: { fallback: [{ field: 'payload.spare' }] } }, ['payload.spare']],
    [{ escalate: [{ after: 'P1D', to: [{ field: 'payload.boss' }] }] }, ['payload.boss']],
    [{ notify: [{ field: 'payload.watcher' }] }, []],
  ])('of %j is %j', (over, expected) => {
    expect([...(reads(over) ?? [])].sort()).toEqual(expected);
  });
});

describe('what may be missing', () => {
  const subject = { type: 'object', properties: { name: { type: 'string' } } };
  const stages = [
    {
      when: 'payload.name == "x"',
      approvers: [
        { expression: 'payload.name' },
        { matrix: [{ when: 'payload.name != "y"', to: [{ expression: '[payload.name]' }] }] },
      ],
      onNoApprovers: { fallback: [{ expression: 'payload.name' }] },
      escalate: [{ after: 'P1D', to: [{ expression: 'payload.name' }] }],
      notify: [{ expression: 'has(payload.name) ? payload.name : null' }, { expression: 'payload.name' }],
    },
  ];

  it('is told at every place before a version is published', () => {
    const message = 'payload.name is optional and may be missing: ask has(payload.name) first.';
    const pointers = publishProblems(compiled(stages, { subject })).map((problem) => {
      expect(problem.message).toBe(message);
      return problem.pointer;
    });
    expect(pointers.sort()).toEqual([
      '/stages/0/approvers/0/expression',
      '/stages/0/approvers/1/matrix/0/to/0/expression',
      '/stages/0/approvers/1/matrix/0/when',
      '/stages/0/escalate/0/to/0/expression',
      '/stages/0/notify/1/expression',
      '/stages/0/onNoApprovers/fallback/0/expression',
      '/stages/0/when',
    ]);
  });

  it('is told with the question that its name allows, and that question is enough', () => {
    const dashed = { type: 'object', properties: { 'cost-centre': { type: 'string' } } };
    const problemsOf = (when: string) => publishProblems(compiled([{ when }], { subject: dashed }));
    const asked = '"cost-centre" in payload';
    expect(problemsOf('payload["cost-centre"] == "1"')).toEqual([
      {
        pointer: '/stages/0/when',
        message: `payload.cost-centre is optional and may be missing: ask ${asked} first.`,
      },
    ]);
    expect(problemsOf(`${asked} && payload["cost-centre"] == "1"`)).toEqual([]);
  });

  it('is told of what may be null of the requester', () => {
    const problemsOf = (when: string) => publishProblems(compiled([{ when }], { subject }));
    expect(problemsOf('requester.approvalLimit > 5')).toEqual([
      {
        pointer: '/stages/0/when',
        message: 'requester.approvalLimit may be null: ask first, as in requester.approvalLimit != null && …',
      },
    ]);
    expect(problemsOf('requester.approvalLimit != null && requester.approvalLimit > 5')).toEqual([]);
  });

  it('is told within a parallel group', () => {
    const parsed = parseDefinition({
      json: {
        key: 'w',
        subject,
        stages: [
          { key: 'a', approvers: [{ user: 'x' }] },
          { parallel: [{ key: 'b', when: 'payload.name == "x"', approvers: [{ user: 'x' }] }] },
        ],
      },
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    expect(publishProblems(compileDefinition(parsed.definition)).map(({ pointer }) => pointer)).toEqual([
      '/stages/1/parallel/0/when',
    ]);
  });
});
