import { describeCondition, simpleCondition } from './describe-condition';
import { describeDuration } from './describe-duration';
import { describePath } from './describe-path';
import { describeQuorum, describeRejectRule } from './describe-quorum';
import { describeSource, describeSources } from './describe-source';
import { count, list, numeral, sentence } from './phrase';

describe('conditions in words', () => {
  it.each([
    ['payload.amount > 1000', 'amount is above 1000'],
    ['payload["amount"] >= 0.5', 'amount is at least 0.5'],
    ['1000 < payload.amount', 'amount is above 1000'],
    ['payload.amount > -5', 'amount is above -5'],
    ['payload.region == "EMEA" && payload.amount > 5000', 'region is EMEA and amount is above 5000'],
    ['payload.a == 1 || payload.b == 2 && payload.c != null', 'a is 1 or (b is 2 and c is set)'],
    ['(payload.a == 1 || payload.b == 2) && payload.c <= 3', '(a is 1 or b is 2) and c is at most 3'],
    ['payload.region in ["EMEA", "APAC", "AMER"]', 'region is EMEA, APAC or AMER'],
    ['!(payload.region in ["EMEA", "APAC"])', 'region is neither EMEA nor APAC'],
    ['!(payload.region in ["EMEA"])', 'region is not EMEA'],
    ['has(payload.region)', 'region is given'],
    ['!has(payload.region)', 'region is not given'],
    ['payload.region == "a, b"', 'region is "a, b"'],
    ['payload.note == null', 'note is not set'],
    ['payload.urgent', 'urgent is true'],
    ['!payload.urgent', 'urgent is false'],
    ['requester.department == "it"', "the requester's department is it"],
    ['stages.finance.state == "approved"', 'the stage finance is approved'],
    ['"x" in requester.groups', '“"x" in requester.groups” holds'],
    ['payload.items.exists(i, i.price > 5)', '“payload.items.exists(i, i.price > 5)” holds'],
    ['!payload.items.exists(i, i > 5) && true', '“!payload.items.exists(i, i > 5) && true” holds'],
    ['payload.a.b[0] == 1', '“payload.a.b[0] == 1” holds'],
    ['not CEL', '“not CEL” holds'],
  ])('says %s as: %s', (text, words) => {
    expect(describeCondition(text)).toBe(words);
  });

  it('takes one comparison apart, and nothing else', () => {
    expect(simpleCondition('payload.amount > 1000')).toEqual({
      what: 'amount',
      comparison: 'is above',
      value: '1000',
    });
    expect(simpleCondition('payload.amount > payload.limit')).toBeNull();
    expect(simpleCondition('payload.urgent')).toBeNull();
  });

  it('names paths', () => {
    expect(describePath('payload')).toBe('the whole payload');
    expect(describePath('payload.a.b')).toBe('a.b');
    expect(describePath('request.title')).toBe("the request's title");
  });
});

describe('durations in words', () => {
  it.each([
    ['P2D', '2 days'],
    ['P1D', '1 day'],
    ['P1W', '1 week'],
    ['PT24H', '24 hours'],
    ['P1DT12H30M', '1 day, 12 hours and 30 minutes'],
    ['PT1.5S', '1.5 seconds'],
    ['PT0S', 'no time'],
    ['P', 'no time'],
    ['soon', 'soon'],
  ])('says %s as: %s', (text, words) => {
    expect(describeDuration(text)).toBe(words);
  });
});

describe('sources in words', () => {
  it.each([
    [{ user: 'ann@example.com' }, 'ann@example.com'],
    [{ user: { field: 'payload.owner' } }, 'whoever payload.owner names'],
    [{ field: 'payload.owner' }, 'whoever payload.owner names'],
    [{ group: 'finance' }, 'the members of finance'],
    [{ group: { field: 'payload.team' } }, 'the members of the group that payload.team names'],
    [{ role: 'general-counsel' }, 'everybody with the role general-counsel'],
    [{ manager: {} }, "the requester's line manager"],
    [{ manager: { of: 'assignee' } }, "the approver's line manager"],
    [{ manager: { levels: 3 } }, "the requester's managers, 3 levels up"],
    [
      { manager: { untilLimit: 'payload.amount' } },
      'the managers above the requester until an approval limit covers payload.amount',
    ],
    [
      { manager: { untilLimit: 50000 } },
      'the managers above the requester until an approval limit covers 50000',
    ],
    [{ expression: 'payload.owners' }, 'whoever “payload.owners” gives'],
    [{ expression: { text: 'payload.owners' } }, 'whoever “payload.owners” gives'],
    [
      {
        matrix: [
          { when: 'payload.amount > 9', to: [{ group: 'a' }, { user: 'b' }] },
          { when: { text: 'true' }, to: [{ role: 'c' }] },
        ],
      },
      'the first that fits of: the members of a and b when amount is above 9; everybody with the role c when “true” holds',
    ],
    [{ webhook: { url: 'https://erp.example.com/a' } }, 'whoever https://erp.example.com/a answers'],
    [
      { webhook: { url: 'https://erp.example.com/a', format: 'countersign', timeout: 'PT20S' } },
      'whoever https://erp.example.com/a answers in the format countersign within 20 seconds',
    ],
  ])('says %j as: %s', (source, words) => {
    expect(describeSource(source)).toBe(words);
  });

  it('joins several', () => {
    expect(describeSources([{ group: 'a' }, { user: 'b' }, { role: 'c' }])).toBe(
      'the members of a, b and everybody with the role c',
    );
  });
});

describe('quorums in words', () => {
  it.each([
    ['any' as const, 'one approval'],
    ['all' as const, 'the approval of everybody'],
    ['majority' as const, 'the approval of more than half'],
    [{ approvals: 2 }, 'two approvals'],
    [{ approvals: 11 }, '11 approvals'],
    [{ percent: 60 }, 'the approval of at least 60 %'],
    [
      {
        each: [
          { group: 'legal', approvals: 1 },
          { user: 'dave', approvals: 2 },
        ],
      },
      'one approval by the members of legal and two approvals by dave',
    ],
  ])('says %j as: %s', (quorum, words) => {
    expect(describeQuorum(quorum)).toBe(words);
  });

  it('says when rejections end a stage', () => {
    expect(describeRejectRule('any')).toBe('after one rejection');
    expect(describeRejectRule({ rejections: 2 })).toBe('after two rejections');
    expect(describeRejectRule('unreachable')).toBe('only once enough approvals are no longer possible');
  });
});

describe('phrases', () => {
  it('writes numbers exactly', () => {
    expect([0, -0, 1e21, 1234567.125, 0.1 + 0.2].map(numeral)).toEqual([
      '0',
      '0',
      '1000000000000000000000',
      '1234567.125',
      '0.30000000000000004',
    ]);
    expect(count(0, 'task')).toBe('no tasks');
    expect(count(1, 'person', 'people')).toBe('one person');
    expect(count(1200, 'person', 'people')).toBe('1200 people');
  });

  it('makes lists and sentences', () => {
    expect(list([])).toBe('');
    expect(list(['a'])).toBe('a');
    expect(list(['a', 'b', 'c'], 'or')).toBe('a, b or c');
    expect(sentence('finance starts')).toBe('Finance starts.');
    expect(sentence('Done.')).toBe('Done.');
  });
});
