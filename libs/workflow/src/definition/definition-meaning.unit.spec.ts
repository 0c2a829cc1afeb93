import { parseDefinition } from './parse-definition';

const stage = (over: object = {}) => ({ key: 'one', approvers: [{ user: 'ann' }], ...over });
const office = { timeZone: 'Europe/Berlin', weekly: { mon: ['09:00-17:00'], tue: ['09:00-17:00'] } };

/** `pointer: message` of everything that is wrong. */
function problems(over: object): string[] {
  const parsed = parseDefinition({ json: { key: 'w', stages: [stage()], ...over } });
  return parsed.ok ? [] : parsed.errors.map(({ pointer, message }) => `${pointer}: ${message}`);
}
const ofStage = (over: object) => problems({ stages: [stage(over)] });
const ofCalendar = (over: object) => problems({ calendars: { office: { ...office, ...over } } });

describe('stages', () => {
  it('may have a key only once, whichever group they are in', () => {
    const stages = [
      stage({ key: 'a' }),
      { parallel: [stage({ key: 'b' }), stage({ key: 'a' })] },
      stage({ key: 'b' }),
    ];
    expect(problems({ stages })).toEqual([
      '/stages/1/parallel/1/key: The key "a" is already used by stage 1.',
      '/stages/2/key: The key "b" is already used by stage 2.',
    ]);
  });

  it('may be distinct from those of earlier steps only', () => {
    const stages = [
      stage({ key: 'a', distinctFrom: ['d'] }),
      {
        parallel: [
          stage({ key: 'b', distinctFrom: ['a', 'c'] }),
          stage({ key: 'c', distinctFrom: ['c', 'x'] }),
        ],
      },
      stage({ key: 'd', distinctFrom: ['a', 'b', 'c'] }),
    ];
    expect(problems({ stages })).toEqual([
      '/stages/0/distinctFrom/0: Must name a stage of an earlier step: d is not over when this one starts.',
      '/stages/1/parallel/0/distinctFrom/1: Must name a stage of an earlier step: c is not over when this one starts.',
      '/stages/1/parallel/1/distinctFrom/0: A stage cannot be distinct from itself.',
      '/stages/1/parallel/1/distinctFrom/1: There is no stage "x".',
    ]);
  });

  it('of earlier steps only may be looked at', () => {
    const sees = (key: string) => `stages.${key}.state == "approved"`;
    const approvers = [
      { matrix: [{ when: sees('c'), to: [{ user: 'x' }] }] },
      { expression: `${sees('a')} ? "x" : null` },
      { expression: `${sees('b')} ? "x" : null` },
    ];
    const stages = [
      stage({ key: 'a', when: sees('a') }),
      { parallel: [stage({ key: 'b', when: sees('a') }), stage({ key: 'c', approvers })] },
      stage({ key: 'd', when: `${sees('b')} || ${sees('c')}` }),
    ];
    expect(problems({ stages }).map((problem) => problem.split(':')[0])).toEqual([
      '/stages/0/when',
      '/stages/1/parallel/1/approvers/0/matrix/0/when',
      '/stages/1/parallel/1/approvers/2/expression',
    ]);
  });

  it('with a dash in their key are told how to be looked at', () => {
    const stages = [
      stage({ key: 'line-manager' }),
      stage({ when: 'stages.line-manager.state == "approved"' }),
    ];
    expect(problems({ stages })[0]).toContain('Write stages["line-manager"] for a name with a dash.');
    const right = [
      stage({ key: 'line-manager' }),
      stage({ when: 'stages["line-manager"].state == "approved"' }),
    ];
    expect(problems({ stages: right })).toEqual([]);
  });
});

describe('a step', () => {
  it.each([
    [
      'a group with other members',
      { parallel: [stage()], key: 'x' },
      ['/stages/0/key: Is not a known member.'],
    ],
    ['an empty group', { parallel: [] }, ['/stages/0/parallel: Must have at least 1 item.']],
    ['a group that is no list', { parallel: stage() }, ['/stages/0/parallel: Must be a list.']],
    [
      'a group of what is no stage',
      { parallel: [{ key: 'x' }, 'y'] },
      ['/stages/0/parallel/0/approvers: Is required.', '/stages/0/parallel/1: Must be an object.'],
    ],
    ['a stage without approvers', { key: 'x' }, ['/stages/0/approvers: Is required.']],
    ['a text', 'x', ['/stages/0: Must be an object.']],
    [
      'a stage with an unknown member',
      { ...stage(), aprovers: [] },
      ['/stages/0/aprovers: Is not a known member.'],
    ],
  ])('that is %s is told so', (_name, step, expected) => {
    expect(problems({ stages: [step] })).toEqual(expected);
  });

  it('may be a group of one', () => {
    expect(problems({ stages: [{ parallel: [stage()] }] })).toEqual([]);
  });
});

describe('sources', () => {
  const one = 'Must have exactly one of user, group, role, field, manager, expression, matrix and webhook.';
  const path = 'Must be a path below payload, such as payload.approverGroup.';

  it.each([
    [{}, [`/stages/0/approvers/0: ${one}`]],
    [{ user: 'a', group: 'b' }, [`/stages/0/approvers/0: ${one}`]],
    [{ usr: 'a' }, ['/stages/0/approvers/0/usr: Is not a known member.']],
    [
      { user: '' },
      ['/stages/0/approvers/0/user: Must be a ref (a text of 1 to 256 characters) or {field: payload.…}.'],
    ],
    [
      { user: { feld: 'payload.a' } },
      expect.arrayContaining(['/stages/0/approvers/0/user/field: Is required.']),
    ],
    [{ field: 'payload' }, [`/stages/0/approvers/0/field: ${path}`]],
    [{ field: 'requester.manager' }, [`/stages/0/approvers/0/field: ${path}`]],
    [{ group: { field: 'group' } }, [`/stages/0/approvers/0/group/field: ${path}`]],
    [{ manager: { levels: 0 } }, ['/stages/0/approvers/0/manager/levels: Must be 1 or more.']],
    [
      { manager: { levels: 1, untilLimit: 5 } },
      ['/stages/0/approvers/0/manager: Must have either levels or untilLimit, not both.'],
    ],
    [
      { manager: { untilLimit: 'amount' } },
      [
        '/stages/0/approvers/0/manager/untilLimit: Must be a number, or a path below payload such as payload.amount.',
      ],
    ],
    [{ manager: { untilLimit: -1 } }, ['/stages/0/approvers/0/manager/untilLimit: Must be 0 or more.']],
    [
      { manager: { of: 'assignee' } },
      [
        '/stages/0/approvers/0/manager/of: assignee is for escalate only: elsewhere nobody has been asked yet.',
      ],
    ],
    [{ matrix: [] }, ['/stages/0/approvers/0/matrix: Must have at least 1 item.']],
    [{ matrix: [{ when: 'true' }] }, ['/stages/0/approvers/0/matrix/0/to: Is required.']],
    [
      { matrix: [{ when: 'payload', to: [{ manager: { of: 'assignee' } }] }] },
      [
        '/stages/0/approvers/0/matrix/0/to/0/manager/of: assignee is for escalate only: elsewhere nobody has been asked yet.',
      ],
    ],
    [
      { matrix: [{ when: '"x"', to: [{ webhook: { url: 'ftp://x' } }] }] },
      [
        '/stages/0/approvers/0/matrix/0/to/0/webhook/url: Must be an absolute http or https address.',
        '/stages/0/approvers/0/matrix/0/when: The condition must give true or false, but gives a string.',
      ],
    ],
    [
      { expression: 'payload.a > 1' },
      [
        '/stages/0/approvers/0/expression: The expression must give a text, a list of texts, or null for nobody, but gives a bool.',
      ],
    ],
  ])('%j in approvers are told what is wrong', (source, expected) => {
    expect(ofStage({ approvers: [source] })).toEqual(expected);
  });

  const webhook = { webhook: { url: 'https://erp.example.com/approvers' } };
  const matrix = { matrix: [{ when: 'true', to: [webhook] }] };

  it.each([[webhook], [matrix]])(
    'may be the webhook of %j to say who approves, or who else does',
    (source) => {
      expect(ofStage({ approvers: [source], onNoApprovers: { fallback: [source] } })).toEqual([]);
    },
  );

  it('must not be a webhook to inform or to escalate to', () => {
    expect(
      ofStage({ notify: [webhook, matrix], escalate: [{ after: 'P1D', to: [webhook, matrix] }] }).sort(),
    ).toEqual([
      '/stages/0/escalate/0/to/0/webhook: A webhook cannot be used in escalate.',
      '/stages/0/escalate/0/to/1/matrix/0/to/0/webhook: A webhook cannot be used in escalate.',
      '/stages/0/notify/0/webhook: A webhook cannot be used in notify.',
      '/stages/0/notify/1/matrix/0/to/0/webhook: A webhook cannot be used in notify.',
    ]);
  });

  it('may be managers of the assignee to escalate to, and nowhere else', () => {
    const source = { manager: { of: 'assignee' } };
    expect(ofStage({ escalate: [{ after: 'P1D', to: [source] }] })).toEqual([]);
    expect(
      ofStage({ notify: [source], onNoApprovers: { fallback: [source] } })
        .map((problem) => problem.split(':')[0])
        .sort(),
    ).toEqual(['/stages/0/notify/0/manager/of', '/stages/0/onNoApprovers/fallback/0/manager/of']);
  });
});

describe('a quorum and a rule of rejection', () => {
  const part = 'Must have approvals and exactly one of user, group and role.';

  it.each([
    [{ quorum: 'most' }, ['/stages/0/quorum: Must be one of: any, all, majority.']],
    [{ quorum: { percent: 0 } }, ['/stages/0/quorum/percent: Must be more than 0.']],
    [{ quorum: { percent: 101 } }, ['/stages/0/quorum/percent: Must be 100 or less.']],
    [{ quorum: { approvals: 1.5 } }, ['/stages/0/quorum/approvals: Must be a whole number.']],
    [{ quorum: { approvals: 1, percent: 50 } }, ['/stages/0/quorum: Must have at most 1 member.']],
    [{ quorum: { each: [] } }, ['/stages/0/quorum/each: Must have at least 1 item.']],
    [{ quorum: { each: [{ approvals: 1 }] } }, [`/stages/0/quorum/each/0: ${part}`]],
    [{ quorum: { each: [{ approvals: 1, user: 'a', role: 'b' }] } }, [`/stages/0/quorum/each/0: ${part}`]],
    [
      { quorum: { each: [{ group: 'a' }] } },
      expect.arrayContaining(['/stages/0/quorum/each/0/approvals: Is required.']),
    ],
    [{ reject: 'all' }, ['/stages/0/reject: Must be one of: any, unreachable.']],
    [{ reject: { rejections: 0 } }, ['/stages/0/reject/rejections: Must be 1 or more.']],
  ])('%j is told what is wrong', (over, expected) => {
    expect(ofStage(over)).toEqual(expected);
  });
});

describe('durations', () => {
  const form =
    'Must be an ISO 8601 duration in weeks, or in days, hours, minutes and seconds, such as P2D or PT24H.';

  it.each([
    [{ sla: '2 days' }, [`/stages/0/sla: ${form}`]],
    [{ sla: 'P1Y' }, [`/stages/0/sla: ${form}`]],
    [{ sla: 5 }, ['/stages/0/sla: Must be an ISO 8601 duration such as PT24H, or {field: payload.…}.']],
    [
      { sla: { field: 'dueBy' } },
      ['/stages/0/sla/field: Must be a path below payload, such as payload.approverGroup.'],
    ],
    [{ remind: { after: 'PT0S' } }, ['/stages/0/remind/after: Must be more than nothing.']],
    [{ remind: { after: 'PT1H', every: '-PT1H' } }, [`/stages/0/remind/every: ${form}`]],
    [
      { remind: { after: 'PT1H', max: 2 } },
      ['/stages/0/remind/max: More than one reminder needs every: how long after one the next comes.'],
    ],
    [{ remind: { after: 'PT1H', every: 'PT1H', max: 0 } }, ['/stages/0/remind/max: Must be 1 or more.']],
    [{ remind: { every: 'PT1H' } }, ['/stages/0/remind/after: Is required.']],
    [
      { escalate: [{ after: 'P99999D', to: [{ user: 'a' }] }] },
      ['/stages/0/escalate/0/after: Must be 10 years or less.'],
    ],
    [{ expire: { after: 'P600W' } }, ['/stages/0/expire/after: Must be 10 years or less.']],
    [
      { expire: { after: 'P1D', outcome: 'skip' } },
      ['/stages/0/expire/outcome: Must be one of: reject, approve, cancel, expire.'],
    ],
    [{ expire: {} }, ['/stages/0/expire/after: Is required.']],
    [
      { reads: ['amount'] },
      ['/stages/0/reads/0: Must be a path below payload, such as payload.approverGroup.'],
    ],
  ])('%j is told what is wrong', (over, expected) => {
    expect(ofStage(over)).toEqual(expected);
  });

  it.each([['P3650D'], ['P520W'], ['PT87600H'], ['PT0.5S']])('%s may be used round the clock', (after) => {
    expect(ofStage({ expire: { after } })).toEqual([]);
  });

  it.each([
    ['PT8000H', []],
    [
      'PT9000H',
      ['/stages/0/expire/after: Takes more than 10 years in the working time of the calendar office.'],
    ],
    ['P1000D', []],
    [
      'P1100D',
      ['/stages/0/expire/after: Takes more than 10 years in the working time of the calendar office.'],
    ],
  ])('%s counts the working time of the calendar', (after, expected) => {
    const stages = [stage({ expire: { after } })];
    expect(problems({ calendars: { office }, calendar: 'office', stages })).toEqual(expected);
  });
});

describe('calendars', () => {
  it('must be there when they are named', () => {
    const stages = [stage({ calendar: 'factory' }), { parallel: [stage({ key: 'b', calendar: 'shop' })] }];
    expect(problems({ calendar: 'bureau', calendars: { office }, stages })).toEqual([
      '/calendar: There is no "bureau" in calendars.',
      '/stages/0/calendar: There is no "factory" in calendars.',
      '/stages/1/parallel/0/calendar: There is no "shop" in calendars.',
    ]);
  });

  const span = 'Must be a span of one day, such as 09:00-17:30; the last one may end at 24:00.';

  it.each([
    [
      { timeZone: 'Berlin' },
      ['/calendars/office/timeZone: Must be the IANA name of a time zone, such as Europe/Berlin.'],
    ],
    [{ weekly: {} }, ['/calendars/office/weekly: Must have at least 1 member.']],
    [{ weekly: { mon: [] } }, ['/calendars/office/weekly: Must have working hours on one day at least.']],
    [{ weekly: { monday: ['09:00-17:00'] } }, ['/calendars/office/weekly/monday: Is not a known member.']],
    [{ weekly: { mon: ['9-17'] } }, [`/calendars/office/weekly/mon/0: ${span}`]],
    [{ weekly: { mon: ['09:00-24:30'] } }, [`/calendars/office/weekly/mon/0: ${span}`]],
    [{ weekly: { mon: ['24:00-24:00'] } }, [`/calendars/office/weekly/mon/0: ${span}`]],
    [
      { weekly: { mon: ['22:00-06:00'] } },
      ['/calendars/office/weekly/mon/0: Must end after it starts. A shift over midnight is two spans.'],
    ],
    [
      { weekly: { mon: ['09:00-09:00'] } },
      ['/calendars/office/weekly/mon/0: Must end after it starts. A shift over midnight is two spans.'],
    ],
    [
      { weekly: { mon: ['12:00-17:00', '09:00-12:30'] } },
      ['/calendars/office/weekly/mon/0: Must not overlap with 09:00-12:30.'],
    ],
    [{ holidays: ['2026-02-30'] }, ['/calendars/office/holidays/0: There is no such day.']],
    [{ holidays: ['2026-2-3'] }, ['/calendars/office/holidays/0: Must be a date, such as 2026-12-25.']],
    [
      { holidays: ['2026-12-25', '2026-12-25'] },
      ['/calendars/office/holidays: Must not hold the same item twice.'],
    ],
  ])('with %j are told what is wrong', (over, expected) => {
    expect(ofCalendar(over)).toEqual(expected);
  });

  it.each([
    [{ weekly: { mon: ['00:00-24:00'] } }],
    [{ weekly: { mon: ['09:00-12:00', '12:00-17:00'], tue: [] } }],
    [{ holidays: ['2028-02-29'] }],
    [{ timeZone: 'UTC' }],
    [{ timeZone: 'America/Argentina/Buenos_Aires' }],
  ])('with %j are right', (over) => {
    expect(ofCalendar(over)).toEqual([]);
  });
});

describe('the top level', () => {
  it.each([
    [{ onChange: 'some' }, ['/onChange: Must be one of: material, all, none.']],
    [{ onNoStage: 'skip' }, ['/onNoStage: Must be one of: fail, approve.']],
    [{ maxRevisions: 0 }, ['/maxRevisions: Must be 1 or more.']],
    [
      { key: 'a b' },
      ['/key: Must be 1 to 100 letters, digits, "-" or "_", starting with a letter or a digit.'],
    ],
  ])('%j is told what is wrong', (over, expected) => {
    expect(problems(over)).toEqual(expected);
  });
});
