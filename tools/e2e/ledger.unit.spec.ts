import { violationsOf, type Books, type Promised } from './ledger';

const events = ['request.created', 'task.assigned', 'task.decided', 'request.completed'];

const promised: Promised = {
  id: 'request',
  state: 'completed',
  decisions: [{ taskId: 'task', decision: 'approve' }],
  events,
};

/** Books of a system in which one request went well. */
const sound = (): Books => ({
  promised: [promised],
  requests: [{ id: 'request', state: 'completed', version: 4 }],
  decisions: [{ taskId: 'task', requestId: 'request', decision: 'approve' }],
  outcomes: [{ requestId: 'request', state: 'completed' }],
  shown: [{ id: 'request', state: 'completed', version: 4 }],
  log: [
    { index: 0, id: 'e0', type: 'request.created', requestId: 'request', requestVersion: 2 },
    { index: 1, id: 'e1', type: 'task.assigned', requestId: 'request', requestVersion: 3 },
    { index: 2, id: 'e2', type: 'task.decided', requestId: 'request', requestVersion: 4 },
    { index: 3, id: 'e3', type: 'stage.ended', requestId: 'request', requestVersion: 4 },
    { index: 4, id: 'e4', type: 'request.completed', requestId: 'request', requestVersion: 4 },
  ],
  subscribers: [
    {
      name: 'erp',
      types: new Set(['request.created', 'request.completed']),
      heard: [
        { webhookId: 'e0', type: 'request.created', requestId: 'request', requestVersion: 2, digest: 'a' },
        { webhookId: 'e4', type: 'request.completed', requestId: 'request', requestVersion: 4, digest: 'b' },
        { webhookId: 'e4', type: 'request.completed', requestId: 'request', requestVersion: 4, digest: 'b' },
      ],
    },
  ],
  leftOver: { 'open tasks': 0, 'dead letters': 0 },
});

const wrong = (change: Partial<Books>) => violationsOf({ ...sound(), ...change });
const rules = (change: Partial<Books>) => [...new Set(wrong(change).map(({ rule }) => rule))];

describe('the ledger check', () => {
  it('finds nothing in sound books, also when a subscriber was told twice', () => {
    expect(violationsOf(sound())).toEqual([]);
  });

  it('finds a request that is gone', () => {
    const empty = { requests: [], decisions: [], outcomes: [], shown: [] };
    expect(wrong(empty)).toContainEqual({
      rule: 'decided once, as acknowledged',
      detail: 'request request was taken and is gone',
    });
  });

  it('finds a request that nobody was answered for', () => {
    const { requests, shown } = sound();
    const ghost = { id: 'ghost', state: 'completed', version: 4 };
    expect(rules({ requests: [...requests, ghost], shown: [...shown, ghost] })).toEqual([
      'decided once, as acknowledged',
    ]);
  });

  it('finds a request in another state than the one answered', () => {
    const pending = [{ id: 'request', state: 'pending_review', version: 4 }];
    expect(rules({ requests: pending, shown: pending })).toEqual(['decided once, as acknowledged']);
  });

  it('finds a decision that is lost, another than acknowledged, or made twice', () => {
    const [decision] = sound().decisions;
    if (!decision) throw new Error('no decision');
    for (const decisions of [[], [{ ...decision, decision: 'reject' }], [decision, decision]])
      expect(rules({ decisions })).toEqual(['decided once, as acknowledged']);
  });

  it('finds an outcome that is missing or there twice', () => {
    const [outcome] = sound().outcomes;
    if (!outcome) throw new Error('no outcome');
    for (const outcomes of [[], [outcome, outcome], [{ ...outcome, state: 'rejected' }]])
      expect(rules({ outcomes })).toEqual(['decided once, as acknowledged']);
  });

  it('finds a read model that is behind', () => {
    for (const shown of [[], [{ id: 'request', state: 'pending_review', version: 3 }]])
      expect(rules({ shown })).toEqual(['shown as it is']);
  });

  it.each([
    ['lost', (log: Books['log']) => log.filter(({ id }) => id !== 'e1')],
    ['there twice', (log: Books['log']) => [...log, { ...log[4]!, index: 5 }]],
    ['there twice under another id', (log: Books['log']) => [...log, { ...log[4]!, id: 'e5', index: 5 }]],
    ['at the wrong place', (log: Books['log']) => log.map((entry) => ({ ...entry, index: entry.index + 1 }))],
    [
      'of a version that never was',
      (log: Books['log']) => [...log, { ...log[3]!, id: 'e5', index: 5, requestVersion: 5 }],
    ],
  ])('finds an entry of the log that is %s', (_, change) => {
    expect(rules({ log: change(sound().log) })).toEqual(['logged exactly once']);
  });

  it('finds a version without an entry', () => {
    const later = [{ id: 'request', state: 'completed', version: 5 }];
    expect(rules({ requests: later, shown: later })).toEqual(['logged exactly once']);
  });

  it('finds an event that a subscriber never got, or got under two ids, or with two bodies', () => {
    const [erp] = sound().subscribers;
    if (!erp) throw new Error('no subscriber');
    const [first, ...others] = erp.heard;
    if (!first) throw new Error('nothing heard');
    for (const heard of [
      others,
      [first, ...others, { ...first, webhookId: 'e5' }],
      [first, ...others, { ...first, digest: 'c' }],
    ])
      expect(rules({ subscribers: [{ ...erp, heard }] })).toEqual(['told at least once']);
  });

  it('finds events of a request whose versions, or places within a version, say another order', () => {
    const [e0, e1, e2, e3, e4] = sound().log;
    if (!e0 || !e1 || !e2 || !e3 || !e4) throw new Error('no log');
    const subscribers: Books['subscribers'] = [];
    const laterCreated = [{ ...e0, requestVersion: 3 }, { ...e1, requestVersion: 2 }, e2, e3, e4];
    expect(wrong({ log: laterCreated, subscribers })).toEqual([
      {
        rule: 'in order per request',
        detail:
          'request request: by version the log says task.assigned, request.created, task.decided, request.completed',
      },
    ]);
    const completedFirst = [e0, e1, { ...e4, index: 2 }, { ...e3, index: 3 }, { ...e2, index: 4 }];
    expect(rules({ log: completedFirst })).toEqual(['in order per request']);
  });

  it('takes versions that overtook each other on the way to the log', () => {
    const [e0, e1, ...others] = sound().log;
    if (!e0 || !e1) throw new Error('no log');
    expect(rules({ log: [{ ...e1, index: 0 }, { ...e0, index: 1 }, ...others] })).toEqual([]);
  });

  it('finds an event that showed a subscriber another version, or another request, and takes any order', () => {
    const [erp] = sound().subscribers;
    const [first, ...others] = erp?.heard ?? [];
    if (!erp || !first) throw new Error('nothing heard');
    const hearing = (heard: typeof erp.heard) => rules({ subscribers: [{ ...erp, heard }] });
    expect(hearing([{ ...first, requestVersion: 3 }, ...others])).toEqual(['in order per request']);
    expect(hearing([first, { ...first, requestId: 'other' }, ...others])).toContain('in order per request');
    expect(hearing([...others, first])).toEqual([]);
    expect(hearing([{ ...first, requestVersion: null }, ...others])).toEqual([]);
  });

  it('finds what is left over', () => {
    expect(wrong({ leftOver: { 'open tasks': 2, 'dead letters': 0 } })).toEqual([
      { rule: 'nothing left over', detail: '2 open tasks' },
    ]);
  });
});
