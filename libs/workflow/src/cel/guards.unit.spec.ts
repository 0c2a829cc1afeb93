import { compileCondition } from './compile-condition';
import { conditionVariables } from './condition-variables';

const owner = { type: 'object', properties: { id: { type: 'string' } } };
const subject = {
  type: 'object',
  required: ['amount'],
  properties: {
    amount: { type: 'number' },
    name: { type: 'string' },
    region: { type: 'string' },
    owner,
    items: { type: 'array', items: owner },
  },
};

function unguarded(text: string): string[] {
  const compiled = compileCondition(text, conditionVariables(subject, []));
  if (!compiled.ok) throw new Error(compiled.messages.join(' '));
  return compiled.unguarded;
}

describe('a member of the requester that may be null', () => {
  it.each([
    ['requester.department == "it" || requester.region != "EMEA"'],
    ['requester.region in ["EMEA", "APAC"]'],
    ['requester.approvalLimit == null || payload.amount <= requester.approvalLimit'],
    ['requester.approvalLimit != null && requester.approvalLimit > 5'],
    ['null != requester.approvalLimit && requester.approvalLimit > 5'],
    ['!(requester.approvalLimit == null) && requester.approvalLimit > 5'],
    ['requester.approvalLimit > 5 && requester.approvalLimit != null'],
    ['requester.region != null ? requester.region.startsWith("E") : false'],
    ['requester.groups.exists(g, g.startsWith("x"))'],
  ])('is asked for, or need not be, in %s', (text) => {
    expect(unguarded(text)).toEqual([]);
  });

  it.each([
    ['requester.approvalLimit > 5', ['requester.approvalLimit']],
    ['payload.amount <= requester.approvalLimit', ['requester.approvalLimit']],
    ['requester.approvalLimit * 2.0 > 5.0', ['requester.approvalLimit']],
    ['requester.approvalLimit == null && requester.approvalLimit > 5', ['requester.approvalLimit']],
    ['has(requester.approvalLimit) && requester.approvalLimit > 5', ['requester.approvalLimit']],
    ['requester.region != null && requester.department.startsWith("x")', ['requester.department']],
    ['size(requester["manager"]) > 3', ['requester.manager']],
  ])('is used though it may be null in %s', (text, paths) => {
    expect(unguarded(text)).toEqual(paths);
  });

  it.each([
    ['requester.manager.id == "x"', 'requester.manager has no member id: it is a string.'],
    ['requester.department == 5', 'A string can never equal a int.'],
    ['requester.approvalLimit > "5"', '> cannot be used with double and string.'],
    ['requester.groups.exists(g, g > 5)', '> cannot be used with string and int.'],
  ])('has a type all the same: %s', (text, message) => {
    expect(compileCondition(text, conditionVariables(subject, []))).toEqual({
      ok: false,
      messages: [message],
    });
  });
});

describe('an optional member', () => {
  it.each([
    ['payload.amount > 3'],
    ['has(payload.name) && payload.name == "x"'],
    ['payload.name == "x" && has(payload.name)'],
    ['payload.amount > 3 && (has(payload.name) && payload.name == "x")'],
    ['has(payload.name) && has(payload.region) && payload.name == payload.region'],
    ['!has(payload.name) || payload.name == "x"'],
    ['!(has(payload.name) && payload.name == "x")'],
    ['has(payload.name) ? payload.name == "x" : false'],
    ['!has(payload.name) ? false : payload.name == "x"'],
    ['"name" in payload && payload.name == "x"'],
    ['has(payload.owner) && has(payload.owner.id) && payload.owner.id == "x"'],
    ['has(payload.items) && payload.items.all(i, has(i.id) && i.id == "x")'],
    ['(has(payload.name) || has(payload.region)) && payload.amount > 3'],
  ])('is asked for in %s', (text) => {
    expect(unguarded(text)).toEqual([]);
  });

  it.each([
    ['payload.name == "x"', ['payload.name']],
    ['has(payload.name) || payload.name == "x"', ['payload.name']],
    ['!has(payload.name) && payload.name == "x"', ['payload.name']],
    ['has(payload.name) ? true : payload.name == "x"', ['payload.name']],
    ['(has(payload.name) || has(payload.region)) && payload.name == "x"', ['payload.name']],
    ['has(payload.region) && payload.name == "x"', ['payload.name']],
    ['has(payload.owner.id)', ['payload.owner']],
    ['has(payload.items) && payload.items.all(i, i.id == "x")', ['i.id']],
    ['has(payload.name) == true && payload.name == "x"', ['payload.name']],
  ])('is not surely there in %s', (text, paths) => {
    expect(unguarded(text)).toEqual(paths);
  });
});
