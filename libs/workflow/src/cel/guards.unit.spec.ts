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
