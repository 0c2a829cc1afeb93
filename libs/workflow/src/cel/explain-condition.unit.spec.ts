import { compileCondition } from './compile-condition';
import type { ConditionContext } from './condition';
import { conditionVariables } from './condition-variables';

const context = (over: Partial<ConditionContext> = {}): ConditionContext => ({
  payload: {
    amount: 800,
    region: 'AMER',
    urgent: false,
    owner: { id: 'ann' },
    tags: ['a', 'b'],
    note: '',
    budget: 500,
    none: null,
  },
  requester: { department: 'it', approvalLimit: 500, groups: ['staff'], manager: null },
  request: { title: 't', workflow: 'w', createdAt: '2026-11-21T09:00:00.000Z', revision: 1 },
  stages: { manager: { state: 'approved' } },
  ...over,
});

function explain(text: string, over: Partial<ConditionContext> = {}): string {
  const compiled = compileCondition(text, conditionVariables(true, ['manager']));
  if (!compiled.ok) throw new Error(compiled.messages.join(' '));
  return compiled.condition.explain(context(over), 'Finance');
}

describe('a condition that does not hold', () => {
  it.each([
    ['payload.amount > 1000', 'amount is 800, Finance starts above 1000.'],
    ['payload.amount >= 1000.5', 'amount is 800, Finance starts at 1000.5.'],
    ['payload.amount < 100', 'amount is 800, Finance applies below 100.'],
    ['payload.amount <= -1', 'amount is 800, Finance applies up to -1.'],
    ['1000 < payload.amount', 'amount is 800, Finance starts above 1000.'],
    ['!(payload.amount <= 1000)', 'amount is 800, Finance starts above 1000.'],
    ['payload["amount"] > 1000', 'amount is 800, Finance starts above 1000.'],
    ['payload.region == "EMEA"', 'region is AMER, Finance is for EMEA.'],
    ['payload.region != "AMER"', 'region is AMER, Finance is for everything but AMER.'],
    ['payload.region in ["EMEA", "APAC"]', 'region is AMER, Finance is for EMEA or APAC.'],
    ['!(payload.region in ["AMER", "APAC"])', 'region is AMER, Finance is for everything but AMER and APAC.'],
    ['payload.urgent', 'urgent is false, Finance needs it to be true.'],
    ['payload.urgent == true', 'urgent is false, Finance needs it to be true.'],
    ['!(!payload.urgent)', 'urgent is false, Finance needs it to be true.'],
    ['payload.note == "x"', 'note is empty, Finance is for x.'],
    ['payload.owner.id == "bob"', 'owner.id is ann, Finance is for bob.'],
    ['has(payload.contract)', 'contract is not given, Finance is only for requests with it.'],
    ['!has(payload.amount)', 'amount is given, Finance is only for requests without it.'],
    ['payload.none != null', 'none is not set, Finance is only for requests with it.'],
    ['payload.amount == null', 'amount is set, Finance is only for requests without it.'],
    ['"x" in payload.tags', 'tags do not include x, Finance is only for those with it.'],
    [
      '!("staff" in requester.groups)',
      "the requester's groups include staff, Finance is only for those without it.",
    ],
    ['requester.department == "hr"', "the requester's department is it, Finance is for hr."],
    ['request.revision > 1.0', "the request's revision is 1, Finance starts above 1."],
    ['stages.manager.state == "skipped"', 'the stage manager is approved, Finance needs it to be skipped.'],
    ['payload.amount < payload.budget', 'amount is 800, Finance applies below budget (500).'],
    [
      'payload.amount <= requester.approvalLimit',
      "amount is 800, Finance applies up to the requester's approvalLimit (500).",
    ],
    ['payload.region == "AMER" && payload.amount > 1000', 'amount is 800, Finance starts above 1000.'],
    [
      'has(payload.contract) && payload.contract == "x"',
      'contract is not given, Finance is only for requests with it.',
    ],
    [
      'payload.region == "EMEA" && payload.amount > 1000',
      'region is AMER and amount is 800; Finance needs region EMEA and amount above 1000.',
    ],
    [
      'payload.urgent || payload.amount > 1000',
      'urgent is false and amount is 800; Finance needs urgent true or amount above 1000.',
    ],
    [
      '!(payload.region == "AMER" && payload.amount <= 1000)',
      'region is AMER and amount is 800; Finance needs region other than AMER or amount above 1000.',
    ],
    [
      'payload.amount > 1000 && (payload.urgent || payload.region in ["EMEA", "APAC"] || has(payload.contract))',
      'amount is 800, urgent is false, region is AMER and contract is not given; ' +
        'Finance needs amount above 1000 and (urgent true, region EMEA or APAC or contract).',
    ],
    ['payload.amount > 1000 && payload.amount < 5000', 'amount is 800, Finance starts above 1000.'],
  ])('%s', (text, sentence) => {
    expect(explain(text)).toBe(sentence);
  });
});

describe('a condition that holds', () => {
  it.each([
    ['payload.amount > 500', 'amount is 800, above 500.'],
    ['payload.amount >= 800', 'amount is 800, at least 800.'],
    ['payload.amount < 1000', 'amount is 800, below 1000.'],
    ['payload.amount <= 800', 'amount is 800, at most 800.'],
    ['payload.region == "AMER"', 'region is AMER.'],
    ['payload.region != "EMEA"', 'region is AMER, not EMEA.'],
    ['payload.region in ["AMER", "APAC"]', 'region is AMER, one of AMER and APAC.'],
    ['!(payload.region in ["EMEA", "APAC"])', 'region is AMER, none of EMEA and APAC.'],
    ['!payload.urgent', 'urgent is false.'],
    ['has(payload.amount)', 'amount is given.'],
    ['!has(payload.contract)', 'contract is not given.'],
    ['payload.none == null', 'none is not set.'],
    ['payload.amount != null', 'amount is set.'],
    ['"a" in payload.tags', 'tags include a.'],
    ['stages.manager.state == "approved"', 'the stage manager is approved.'],
    ['payload.amount > payload.budget', 'amount is 800, above budget (500).'],
    ['payload.region == "AMER" && payload.amount > 500', 'region is AMER and amount is 800 (above 500).'],
    ['has(payload.amount) && payload.amount > 500', 'amount is 800, above 500.'],
    ['payload.urgent || payload.amount > 500', 'amount is 800, above 500.'],
    ['payload.missing == "x" || payload.amount > 500', 'amount is 800, above 500.'],
  ])('%s', (text, sentence) => {
    expect(explain(text)).toBe(sentence);
  });
});

describe('a condition with no words of its own', () => {
  it.each([
    [
      'payload.amount * 2.0 > 5000.0',
      'the condition payload.amount * 2.0 > 5000.0 is not met (payload.amount is 800).',
    ],
    [
      'payload.region.startsWith("A")',
      'the condition payload.region.startsWith("A") is met (payload.region is "AMER").',
    ],
    ['false', 'the condition false is not met.'],
    ['payload.region < "B"', 'the condition payload.region < "B" is met (payload.region is "AMER").'],
    [
      'size(payload.tags) > 2',
      'the condition size(payload.tags) > 2 is not met (payload.tags is ["a","b"]).',
    ],
  ])('%s is told as it was written', (text, sentence) => {
    expect(explain(text)).toBe(sentence);
  });

  it('is told as it was written when it has very many parts', () => {
    const text = Array.from({ length: 9 }, (_, n) => `payload.region == "R${n}"`).join(' || ');
    expect(explain(text)).toBe(`the condition ${text} is not met (payload.region is "AMER").`);
  });

  it('says why it could not be evaluated', () => {
    expect(explain('payload.missing > 3')).toMatch(
      /^the condition payload.missing > 3 could not be evaluated: .*\.$/,
    );
  });
});

describe('a value in an explanation', () => {
  it('is cut when it is long, and quoted when it is not plain', () => {
    const payload = { region: 'x'.repeat(200) };
    expect(explain('payload.region == "EMEA"', { payload })).toBe(
      `region is ${'x'.repeat(60)}…, Finance is for EMEA.`,
    );
    expect(explain('payload.region == "EMEA"', { payload: { region: 'A, Finance is for B' } })).toBe(
      'region is "A, Finance is for B", Finance is for EMEA.',
    );
  });

  it('is never taken from a prototype', () => {
    expect(explain('has(payload.constructor)')).toBe(
      'constructor is not given, Finance is only for requests with it.',
    );
  });
});
