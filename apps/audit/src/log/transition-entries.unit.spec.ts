import type { RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import { v7 } from 'uuid';
import { eventTypeMembers, type TypeMember } from '../../test/event-type-members';
import { alice, bob, payload, storyOf } from '../../test/transitions';
import { eventRules } from './event-rules';
import type { LogEntry } from './log-entry';
import type { MemberRule } from './member-rules';
import { entriesOf } from './transition-entries';

const eventTypes = eventTypeMembers();

type Rules = Readonly<Record<string, MemberRule>>;

/** Paths of members that no rule has decided upon, and of rules for what is not there. */
const undecidedIn = (members: TypeMember[], rules: Rules, path: string): string[] =>
  members.flatMap((member) => {
    const here = `${path}.${member.name}`;
    const rule = rules[member.name];
    if (!rule) return [here];
    if (rule.inside === 'whole') return [];
    if (member.members) return rule.inside ? undecidedIn(member.members, rule.inside, here) : [here];
    return rule.inside || member.kind === 'any' ? [here] : [];
  });

const [created, assigned] = storyOf(v7()).messages.map(({ data }) => data);
if (!created || !assigned) throw new Error('a story without a beginning');

const transitionOf = (
  events: Partial<TransitionEvent>[],
  more: Partial<RequestTransitioned> = {},
): RequestTransitioned => ({
  request: assigned.request,
  revisionPayload: null,
  ...more,
  events: events.map((event) => ({
    id: v7(),
    type: 'request.completed',
    at: '2026-11-21T09:00:03.000Z',
    actor: { type: 'user', id: bob.id, via: 'key-1' },
    taskId: null,
    stageKey: null,
    data: {},
    ...event,
  })),
});

const entryOf = (
  type: string,
  data: Record<string, unknown>,
  more: Partial<TransitionEvent> = {},
): LogEntry => entriesOf(transitionOf([{ type, data, ...more }]))[0]!;

/** Data as the type has it, each text naming its place in a way that could be a code as well. */
const sampleOf = (members: TypeMember[], path: string): Record<string, unknown> =>
  Object.fromEntries(
    members.map(({ name, isList, kind, literals, members: inside }) => {
      const here = path ? `${path}.${name}` : name;
      const one = inside
        ? sampleOf(inside, here)
        : kind === 'number'
          ? 7
          : kind === 'boolean'
            ? true
            : kind === 'text'
              ? (literals[0] ?? `at:${here}`)
              : { [`at:${here}`]: `at:${here}` };
      return [name, isList ? [one] : one];
    }),
  );

const placesIn = (content: unknown): string[] =>
  [...JSON.stringify(content).matchAll(/"at:([^"]+)"/g)].map(([, place]) => place ?? '').sort();

const ofTask = [
  'task.assignee.id',
  'task.decidedAt',
  'task.decidedBy.id',
  'task.id',
  'task.onBehalfOf.id',
  'task.openedAt',
  'task.passedBy',
  'task.passedTo',
  'task.reasonCode',
  'task.remindAt',
  'task.remindedAt',
  'task.stageKey',
];

/** All texts of an event that a leaf may hold, but for fixed words such as states. */
const textInLeaves: Record<string, string[]> = {
  'request.submitted': [],
  'request.stage_started': [
    'escalateAt',
    'expireAt',
    'queue.onBehalfOf.id',
    'queue.person.id',
    'quorum.people',
    'stageKey',
  ],
  'request.stage_approved': ['stageKey'],
  'request.revised': [],
  'request.approved': [],
  'request.rejected': ['decidedBy.id', 'reasonCode', 'stageKey'],
  'request.returned': ['decidedBy.id', 'reasonCode', 'stageKey'],
  'request.canceled': [],
  'request.expired': ['stageKey'],
  'request.failed': ['failure.code', 'failure.stage'],
  'request.completed': [],
  'request.overridden': [],
  'request.commented': ['commentId'],
  'request.edited': [],
  'request.migrated': ['stages.key'],
  'task.assigned': ofTask,
  'task.decided': ofTask,
  'task.reminded': ofTask,
  'task.overdue': ofTask,
  'task.escalated': [...ofTask, 'to.id'],
  'task.reassigned': [...ofTask, 'to.id'],
  'task.dismissed': ofTask,
  'task.expired': ofTask,
  'task.closed': ['stageKey', 'taskId'],
  'stage.skipped': ['stageKey'],
  'stage.awaiting_approvers': ['resolution.id', 'stageKey'],
  'stage.resolved': [
    'evidence.at',
    'evidence.sources.groups.id',
    'evidence.sources.of',
    'evidence.sources.people',
    'evidence.sources.rule',
    'evidence.sources.webhook.calls.at',
    'evidence.sources.webhook.calls.keptFrom',
    'evidence.sources.webhook.calls.result',
    'evidence.standIns.delegations',
    'evidence.standIns.holder',
    'evidence.standIns.of',
    'resolutionId',
    'stageKey',
  ],
  'stage.quorum_changed': ['quorum.people', 'stageKey'],
  'stage.queue_changed': ['queue.onBehalfOf.id', 'queue.person.id', 'stageKey'],
  'stage.due_changed': ['stageKey'],
  'stage.escalated': ['stageKey'],
  'stage.notified': ['people.id', 'stageKey'],
  'stage.reopened': ['stageKey'],
  'stage.ended': ['stageKey'],
};

describe('what of an event enters the log', () => {
  it('is decided for every event type of the decider and every member of it, and for no other', () => {
    expect(Object.keys(eventRules).sort()).toEqual([...eventTypes.keys()].sort());
    for (const [type, members] of eventTypes) {
      expect(undecidedIn(members, eventRules[type as keyof typeof eventRules], type)).toEqual([]);
    }
  });

  it.each([...eventTypes].filter(([type]) => type !== 'request.created'))(
    'of %s: nothing stands in the leaf but what may, and the rest of it is sealed',
    (type, members) => {
      const { content, personal } = entryOf(type, sampleOf(members, ''));
      expect(placesIn(content)).toEqual([...(textInLeaves[type] ?? ['not listed'])].sort());
      expect(personal.filter(({ kind }) => kind === 'undecided')).toEqual([]);
      for (const { subject } of personal) expect(subject).toMatch(/^[0-9a-f-]{36}$|^at:.*\.id$/);
    },
  );

  it('of a request.created: ids in the leaf, its words and the payload for the requester', () => {
    const [entry] = entriesOf(created);
    expect(entry?.content).toEqual({
      actor: { type: 'user', id: alice.id, via: 'key-1' },
      workflow: created.request.workflow,
      requester: alice.id,
      revision: 1,
      createdAt: created.request.createdAt,
    });
    const { id, ...said } = alice;
    expect(entry?.personal).toEqual([
      {
        subject: id,
        kind: 'request',
        data: {
          title: 'A new desk',
          reason: 'The old one broke',
          externalRef: 'PO-4711',
          metadata: { 'cost centre': 7 },
        },
      },
      { subject: id, kind: 'person', data: said },
      { subject: id, kind: 'payload', data: payload },
    ]);
  });

  it('seals whole what nobody has decided upon: a new type, a new member, a text where a code should be', () => {
    const unheardOf = entryOf('request.praised', { by: 'Alice', stageKey: 'manager' });
    expect(unheardOf.content).toEqual({ actor: expect.anything() });
    expect(unheardOf.personal).toEqual([
      { subject: alice.id, kind: 'undecided', data: { by: 'Alice', stageKey: 'manager' } },
    ]);
    const inherited = entryOf('toString', { constructor: 'Alice' });
    expect([inherited.content, inherited.personal]).toEqual([
      { actor: expect.anything() },
      [{ subject: alice.id, kind: 'undecided', data: { constructor: 'Alice' } }],
    ]);
    const odd = entryOf('request.rejected', {
      stageKey: 'manager',
      decidedBy: 'Bob',
      reasonCode: 'because Alice is late',
      comment: null,
      mood: 'grim',
    });
    expect(odd.content).toEqual({ actor: expect.anything(), stageKey: 'manager' });
    expect(odd.personal).toEqual([
      {
        subject: alice.id,
        kind: 'undecided',
        data: { decidedBy: 'Bob', reasonCode: 'because Alice is late', mood: 'grim' },
      },
    ]);
  });

  it('seals what people wrote for them, and what a key or the clock brought for the requester', () => {
    const reason = { reason: 'Bob is on leave' };
    const subjectOf = (actor: TransitionEvent['actor']) =>
      entryOf('request.canceled', reason, { actor }).personal.map(({ subject, kind }) => [subject, kind]);
    expect(subjectOf({ type: 'user', id: bob.id, via: null })).toEqual([[bob.id, 'reason']]);
    expect(subjectOf({ type: 'service', id: v7(), via: null })).toEqual([[alice.id, 'reason']]);
    expect(subjectOf({ type: 'system', id: null, via: null })).toEqual([[alice.id, 'reason']]);
    const task = { ...assigned.request.stages[0]!.tasks[0]!, decidedBy: bob, comment: 'no' };
    const closed = entryOf('task.dismissed', { task }, { actor: { type: 'user', id: alice.id, via: null } });
    expect(closed.personal).toContainEqual({ subject: bob.id, kind: 'comment', data: 'no' });
  });

  it('keeps what a resolution rests on, and seals where a webhook is and whom it named for the requester', () => {
    const call = {
      attempt: 1,
      at: '2026-11-21T09:00:02.000Z',
      status: 200,
      latencyMs: 12.5,
      result: 'answered',
    };
    const hashes = { requestHash: 'ab'.repeat(32), answerHash: 'cd'.repeat(32) };
    const group = { rule: 'approvers.0', kind: 'group', refs: 1, named: 2, people: [alice.id, bob.id] };
    const outside = { rule: 'approvers.1', kind: 'webhook', refs: 2, named: 1, people: [bob.id] };
    const groups = [{ id: v7(), version: 3 }];
    const [url, answered] = ['https://erp.example.com/approvers', ['bob@example.com', 'Bobby T.']];
    const webhook = { format: 'easylife', calls: [{ ...call, ...hashes }] };
    const standIns = [{ of: bob.id, holder: alice.id, delegations: [v7(), 'outOfOffice'] }];
    const evidence = { directoryVersion: 41, at: '2026-11-21T09:00:03.000Z', standIns };
    const { content, personal } = entryOf('stage.resolved', {
      stageKey: 'owner',
      evidence: {
        ...evidence,
        sources: [
          { ...group, groups },
          { ...outside, webhook: { url, answered, ...webhook } },
        ],
      },
    });
    expect(content).toMatchObject({
      stageKey: 'owner',
      evidence: {
        ...evidence,
        sources: [
          { ...group, groups },
          { ...outside, webhook: { format: 'easylife', calls: [call] } },
        ],
      },
    });
    expect(JSON.stringify(content)).not.toMatch(/erp|bob@|Bobby|Hash/);
    expect(personal).toEqual([
      { subject: alice.id, kind: 'url', data: url },
      { subject: alice.id, kind: 'answered', data: answered },
      { subject: alice.id, kind: 'hashes', data: { attempt: 1, ...hashes } },
    ]);
  });

  it('has no evidence of a resolution that came without', () => {
    const { content, personal } = entryOf('stage.resolved', { stageKey: 'owner', evidence: null });
    expect([content.evidence, personal]).toEqual([null, []]);
  });

  it('seals a person once an entry', () => {
    const task = { ...assigned.request.stages[0]!.tasks[0]!, decidedBy: bob, onBehalfOf: alice };
    const { personal } = entryOf('task.escalated', { task, mode: 'add', to: [alice, bob] });
    expect(personal.map(({ subject, kind }) => [subject, kind])).toEqual([
      [bob.id, 'person'],
      [alice.id, 'person'],
    ]);
  });

  it.each(['request.revised', 'request.edited', 'request.submitted'])(
    'has the payload that came with %s sealed for the requester, with that one entry',
    (type) => {
      const revisionPayload = { revision: 2, payload: { value: { amount: 1 } } };
      const entries = entriesOf(
        transitionOf([{ type: 'task.closed' }, { type }, { type: 'request.stage_started' }], {
          revisionPayload,
        }),
      );
      expect(entries.map(({ personal }) => personal)).toEqual([
        [],
        [{ subject: alice.id, kind: 'payload', data: { amount: 1 } }],
        [],
      ]);
    },
  );

  it('has a payload with whatever event brings it', () => {
    const revisionPayload = { revision: 2, payload: { value: null } };
    const [entry] = entriesOf(transitionOf([{ type: 'request.migrated' }], { revisionPayload }));
    expect(entry?.personal).toEqual([{ subject: alice.id, kind: 'payload', data: null }]);
  });
});
