import type { StageDefinition } from '../definition/workflow-definition';
import { lintMembers } from './lint-members';

const subject = {
  type: 'object',
  required: ['amount'],
  properties: {
    amount: { type: 'number' },
    owner: { $ref: '#/$defs/person' },
    free: { type: 'object' },
    open: { type: 'object', properties: { a: {} }, additionalProperties: true },
    either: { anyOf: [{ type: 'object', properties: { a: {} } }] },
    items: { type: 'array', items: { type: 'object', properties: { price: { type: 'number' } } } },
  },
  $defs: { person: { type: 'object', properties: { id: { type: 'string' } } } },
};

const found = (over: Partial<StageDefinition>, of: Record<string, unknown> | boolean | undefined = subject) =>
  lintMembers({
    key: 'w',
    subject: of,
    stages: [{ key: 'one', title: 'One', approvers: [{ group: 'g' }], ...over }],
  });

describe('a member of the payload', () => {
  it.each<[Partial<StageDefinition>, string, string]>([
    [{ when: 'payload.amout > 5' }, '/when', 'payload.amout'],
    [{ when: 'has(payload.owner) && payload.owner.uid == "x"' }, '/when', 'payload.owner.uid'],
    [{ when: 'payload["cost-centre"] == "x"' }, '/when', 'payload.cost-centre'],
    [{ when: 'payload.lines.exists(line, line.price > 5)' }, '/when', 'payload.lines'],
    [{ approvers: [{ field: 'payload.ownr.id' }] }, '/approvers/0/field', 'payload.ownr'],
    [
      { approvers: [{ user: { field: 'payload.owner.mail' } }] },
      '/approvers/0/user/field',
      'payload.owner.mail',
    ],
    [
      { approvers: [{ manager: { untilLimit: 'payload.sum' } }] },
      '/approvers/0/manager/untilLimit',
      'payload.sum',
    ],
    [{ approvers: [{ expression: 'payload.who' }] }, '/approvers/0/expression', 'payload.who'],
    [
      { approvers: [{ matrix: [{ when: 'payload.who == "x"', to: [{ user: 'a' }] }] }] },
      '/approvers/0/matrix/0/when',
      'payload.who',
    ],
    [
      { approvers: [{ matrix: [{ when: 'true', to: [{ field: 'payload.who' }] }] }] },
      '/approvers/0/matrix/0/to/0/field',
      'payload.who',
    ],
    [
      { onNoApprovers: { fallback: [{ field: 'payload.who' }] } },
      '/onNoApprovers/fallback/0/field',
      'payload.who',
    ],
    [
      { escalate: [{ after: 'P1D', to: [{ field: 'payload.who' }] }] },
      '/escalate/0/to/0/field',
      'payload.who',
    ],
    [{ notify: [{ field: 'payload.who' }] }, '/notify/0/field', 'payload.who'],
    [
      { quorum: { each: [{ group: { field: 'payload.team' }, approvals: 1 }] } },
      '/quorum/each/0/group/field',
      'payload.team',
    ],
    [{ sla: { field: 'payload.due' } }, '/sla/field', 'payload.due'],
    [{ reads: ['payload.amount', 'payload.terms'] }, '/reads/1', 'payload.terms'],
  ])('that the subject does not name is found: %j', (over, pointer, path) => {
    expect(found(over)).toEqual([
      {
        pointer: `/stages/0${pointer}`,
        code: 'unknown-member',
        message: `One looks at ${path}, which the subject does not name.`,
      },
    ]);
  });

  it.each<Partial<StageDefinition>>([
    { when: 'payload.amount > 5 && payload.owner.id == requester.id' },
    { when: 'payload.free.anything && payload.open.anything && payload.either.anything' },
    { when: 'payload.items.exists(item, item.price > 5) && size(payload) > 2' },
    { when: 'requester.amout == 5' },
  ])('that it names or leaves open is not: %j', (over) => {
    expect(found(over)).toEqual([]);
  });

  it.each([
    undefined,
    true,
    { type: 'object' },
    { type: 'object', properties: {}, additionalProperties: {} },
  ])('may be any where the subject leaves that open: %j', (open) => {
    expect(found({ when: 'payload.amout > 5', reads: ['payload.x'] }, open ?? true)).toEqual([]);
  });
});
