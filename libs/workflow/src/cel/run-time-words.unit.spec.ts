import { compileCondition } from './compile-condition';
import { conditionVariables } from './condition-variables';

const context = {
  payload: { text: 'abc', list: [], map: {}, number: 3, nothing: null },
  requester: {},
  request: { title: 't', workflow: 'w', createdAt: '2026-01-01T00:00:00Z', revision: 1 },
  stages: {},
};

describe('why a condition fails at run time', () => {
  it.each([
    ['int(payload.text) > 1', 'abc is not a whole number'],
    ['payload.list[3] == 1', 'the list has no item 3'],
    ['payload.list[-1] == 1', 'the list has no item -1'],
    ['payload.map.name == 1', 'there is no member name'],
    ['payload.nothing > 5', '> cannot be used with null and int'],
    ['payload.number > payload.text', '> cannot be used with double and string'],
    ['!payload.text', '! cannot be used with string'],
    ['payload.text ? true : false', '?: cannot be used with string'],
    ['size(payload.number) > 1', 'size cannot be used with double'],
    ['timestamp(payload.text) > timestamp(request.createdAt)', 'a text is not an RFC 3339 time'],
    ['duration(payload.text) > duration("1s")', 'a text is not a duration such as "90s" or "1h30m"'],
    ['int(payload.number) / 0 > 1', 'int divide by zero'],
  ])('is told in plain words: %s', (text, message) => {
    const compiled = compileCondition(text, conditionVariables(true, []));
    if (!compiled.ok) throw new Error(compiled.messages.join(' '));
    expect(compiled.condition.evaluate(context)).toEqual({ ok: false, message });
  });
});
