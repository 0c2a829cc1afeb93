import type { ConditionContext } from './condition';
import { conditionVariables } from './condition-variables';
import { compileExpression } from './compile-expression';

const subject = {
  type: 'object',
  required: ['owner', 'amount', 'people', 'numbers'],
  properties: {
    owner: { type: 'string' },
    amount: { type: 'number' },
    people: { type: 'array', items: { type: 'string' } },
    numbers: { type: 'array', items: { type: 'number' } },
  },
};
const context: ConditionContext = {
  payload: { owner: 'ann', amount: 5, people: ['ann', 'bob'], numbers: [1], any: { x: 1 } },
  requester: { userName: 'rita', manager: null, groups: [] },
  request: { title: 't', workflow: 'w', createdAt: '2026-11-21T09:00:00.000Z', revision: 1 },
  stages: {},
};

const compile = (text: string) => compileExpression(text, conditionVariables(subject, []));

function evaluate(text: string, over: Partial<ConditionContext> = {}) {
  const compiled = compile(text);
  if (!compiled.ok) throw new Error(compiled.messages.join(' '));
  return compiled.expression.evaluate({ ...context, ...over });
}

describe('an expression', () => {
  it.each([
    ['payload.owner', ['ann']],
    ['payload.people', ['ann', 'bob']],
    ['[payload.owner, requester.userName]', ['ann', 'rita']],
    ['requester.manager', []],
    ['null', []],
    ['[]', []],
    ['[requester.manager, payload.owner]', ['ann']],
    ['payload.amount > 3 ? "cfo" : null', ['cfo']],
    ['payload.people.filter(p, p != "ann")', ['bob']],
    ['payload.people.map(p, p + "@example.com")', ['ann@example.com', 'bob@example.com']],
  ])('%s names %j', (text, refs) => {
    expect(evaluate(text)).toEqual({ ok: true, refs });
  });

  it.each([
    [
      'payload.amount',
      'The expression must give a text, a list of texts, or null for nobody, but gives a double.',
    ],
    ['payload.numbers', 'but gives a list of double.'],
    ['[1, 2]', 'but gives a list of int.'],
    ['{"a": "b"}', 'but gives a map.'],
    ['payload.amount > 3', 'but gives a bool.'],
    ['payload.owner +', 'The expression is not valid CEL'],
    ['owner', 'owner is not known'],
  ])('%s is refused when it is compiled', (text, message) => {
    const compiled = compile(text);
    expect(compiled.ok ? '' : compiled.messages.join(' ')).toContain(message);
  });

  it.each([
    ['payload.any', 'it must give a text, a list of texts, or null for nobody'],
    ['["a", payload.any]', 'but its list holds something else'],
    ['payload.unknown', 'unknown'],
  ])('%s is an error when it is evaluated', (text, message) => {
    expect(evaluate(text)).toEqual({ ok: false, message: expect.stringContaining(message) as string });
  });

  it('knows what it reads, and what may be missing', () => {
    const compiled = compileExpression(
      'payload.spare',
      conditionVariables({ type: 'object', properties: { spare: { type: 'string' } } }, []),
    );
    expect(compiled).toMatchObject({
      ok: true,
      unguarded: ['payload.spare'],
      expression: { reads: ['payload.spare'] },
    });
  });

  it('takes its steps from the budget that is shared with everything else', () => {
    const budget = { steps: 50 };
    const people = Array.from({ length: 30 }, (_, n) => `p${n}`);
    const payload = { ...(context.payload as object), people };
    const text = 'payload.people.filter(p, p != "x")';
    expect(evaluate(text, { payload, budget })).toMatchObject({ ok: true });
    expect(budget.steps).toBe(20);
    expect(evaluate(text, { payload, budget })).toEqual({
      ok: false,
      message: expect.stringContaining('too many steps') as string,
    });
    expect(budget.steps).toBe(0);
  });
});
