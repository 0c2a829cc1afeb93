import { namesOf, redact } from './index';

const alice = {
  id: '0192f3a4-7b1c-7d10-8000-000000000a11',
  externalId: 'e-alice',
  userName: 'alice@example.com',
  displayName: 'Alice Ångström',
  email: 'alice@mail.example.com',
};
const bob = {
  id: '0192f3a4-7b1c-7d10-8000-000000000b0b',
  externalId: null,
  userName: 'bob@example.com',
  displayName: 'Bob',
  email: null,
};
const task = {
  id: 't1',
  requestId: 'r1',
  stageKey: 'manager',
  state: 'rejected',
  assignee: bob,
  onBehalfOf: null,
  dueAt: '2026-11-22T09:00:00.000Z',
  decision: 'reject',
  decidedBy: bob,
  reasonCode: 'budget',
  comment: 'too expensive for Alice Ångström',
};
const request = {
  id: 'r1',
  state: 'rejected',
  title: 'A new desk',
  reason: 'The old one broke',
  requester: { ...alice, department: 'IT', groups: ['staff'], approvalLimit: 5, manager: bob.id },
  payload: { amount: 7, note: 'secret words' },
  externalRef: 'PO-4711',
  metadata: { 'cost centre': 7 },
  revision: 1,
  stages: [
    {
      key: 'manager',
      title: 'Line manager',
      explanation: 'Rejected by Bob.',
      dueAt: null,
      tasks: [{ ...task, why: ['line manager of Alice Ångström'] }],
    },
  ],
  failure: { code: 'no_approvers', stage: 'manager', detail: 'nobody for desk' },
};
const erased = (id: string) => ({
  id,
  externalId: null,
  userName: `erased-${id}`,
  displayName: 'Erased',
  email: null,
});
const names = namesOf([request], alice.id);

describe('redact', () => {
  it('takes away everything that a requester said and that was said about it, and keeps the form', () => {
    const result = redact(request, { subject: alice.id, isRequester: true, names });
    expect(result).toEqual({
      ...request,
      title: 'Erased',
      reason: null,
      requester: { ...erased(alice.id), department: null, groups: [], approvalLimit: null, manager: null },
      payload: null,
      externalRef: null,
      metadata: {},
      stages: [
        {
          key: 'manager',
          title: 'Line manager',
          explanation: null,
          dueAt: null,
          tasks: [{ ...task, dueAt: null, why: [], comment: `too expensive for erased-${alice.id}` }],
        },
      ],
      failure: { code: 'no_approvers', stage: 'manager', detail: 'Erased' },
    });
  });

  it('takes an approver out of the request of somebody else, with what they wrote and where others name them', () => {
    const result = redact(request, {
      subject: bob.id,
      isRequester: false,
      names: namesOf([request], bob.id),
    });
    const [stage] = request.stages;
    expect(result).toEqual({
      ...request,
      stages: [
        {
          ...stage,
          explanation: `Rejected by erased-${bob.id}.`,
          tasks: [{ ...stage!.tasks[0], assignee: erased(bob.id), decidedBy: erased(bob.id), comment: null }],
        },
      ],
    });
  });

  it('leaves nothing of anybody where everybody goes', () => {
    const text = JSON.stringify(redact(request, { subject: null, isRequester: true, names: [] }));
    for (const word of ['lice', 'Bob', 'bob@', 'desk', 'broke', 'expensive', 'secret', 'PO-', 'centre'])
      expect(text).not.toContain(word);
    expect(text).toContain('Line manager');
  });

  it('knows who wrote a remark by the event, the message or the answer that it is in', () => {
    const subject = bob.id;
    const by = (id: string) => ({ type: 'user', id, via: null });
    const scope = { subject, isRequester: false, names: [] };
    const events = [
      { type: 'request.commented', actor: by(bob.id), data: { text: 'mine' } },
      { type: 'request.commented', actor: by(alice.id), data: { text: 'hers' } },
      { type: 'request.canceled', actor: by(bob.id), data: { reason: 'mine' } },
      { type: 'request.rejected', actor: by(alice.id), data: { decidedBy: bob, comment: 'mine' } },
    ];
    expect(JSON.stringify(redact(events, scope))).not.toContain('mine');
    expect(redact(events, scope)[1]).toEqual(events[1]);
    expect(redact({ requestId: 'r1', text: 'mine', author: by(bob.id) }, scope)).toMatchObject({
      text: 'Erased',
    });
    expect(redact({ text: 'mine' }, { ...scope, author: bob.id })).toEqual({ text: 'Erased' });
    expect(redact({ text: 'hers' }, { ...scope, author: alice.id })).toEqual({ text: 'hers' });
  });

  it('gives what a key did for a requester to the requester', () => {
    const event = { actor: { type: 'service', id: 'key', via: null }, data: { reason: 'of a request' } };
    expect(redact(event, { subject: alice.id, isRequester: true, names: [] }).data.reason).toBe('Erased');
    expect(redact(event, { subject: bob.id, isRequester: false, names: [] })).toEqual(event);
  });

  it('keeps messages such that they can still be read', () => {
    const submit = {
      requestId: 'r1',
      title: 'x',
      reason: 'y',
      requester: alice,
      payload: { value: { a: 1 } },
      metadata: {},
    };
    expect(redact(submit, { subject: alice.id, isRequester: false, names: [] })).toMatchObject({
      title: 'Erased',
      reason: null,
      payload: { value: null },
    });
    const revise = { requestId: 'r1', title: 'x', reason: { value: 'y' }, payload: { value: 1 } };
    expect(redact(revise, { subject: alice.id, isRequester: true, names: [] })).toEqual({
      requestId: 'r1',
      title: 'Erased',
      reason: { value: null },
      payload: { value: null },
    });
  });

  it('takes the words that a decision was made on, and where the requester works', () => {
    const decide = {
      requestId: 'r1',
      decision: 'approve',
      words: { title: 'Leave of Maria', reason: 'ill' },
    };
    expect(redact(decide, { subject: alice.id, isRequester: true, names: [] })).toEqual({
      requestId: 'r1',
      decision: 'approve',
      words: { title: 'Erased', reason: null },
    });
    const created = { requester: { department: 'HR', region: 'EMEA' } };
    expect(redact(created, { subject: alice.id, isRequester: true, names: [] })).toEqual({
      requester: { department: null, region: null },
    });
    expect(redact(created, { subject: bob.id, isRequester: false, names: [] })).toEqual(created);
  });

  it('takes what a fact is to seal: for the subject, or for whoever acted when that is the subject', () => {
    const factBy = (id: string) => ({
      actor: { type: 'user', id, via: 'k' },
      personal: [
        { subject: null, kind: 'words', data: { name: 'A key' } },
        { subject: alice.id, kind: 'address', data: { email: 'a@example.com' } },
      ],
    });
    const scope = { subject: alice.id, isRequester: false, names: [] };
    expect(redact(factBy(alice.id), scope).personal.map(({ data }) => data)).toEqual([{}, {}]);
    expect(redact(factBy(bob.id), scope).personal.map(({ data }) => data)).toEqual([{ name: 'A key' }, {}]);
  });

  it('finds names as whole words only, whatever their case, and not those of fewer than three letters', () => {
    const scope = { subject: bob.id, isRequester: false };
    const text = (value: string, ...found: string[]) => redact(value, { ...scope, names: found });
    expect(text('ask BOB, not bobby', 'Bob')).toBe(`ask erased-${bob.id}, not bobby`);
    expect(text('a (b.c) c', '(b.c)')).toBe(`a erased-${bob.id} c`);
    expect(text('Al is also here', 'Al')).toBe('Al is also here');
  });

  it('changes nothing more when it is done again', () => {
    for (const subject of [alice.id, bob.id, null]) {
      const scope = {
        subject,
        isRequester: subject !== bob.id,
        names: subject ? namesOf([request], subject) : [],
      };
      const once = redact(request, scope);
      expect(redact(once, scope)).toEqual(once);
      if (subject) expect(namesOf([once], subject)).toEqual([]);
    }
  });
});
