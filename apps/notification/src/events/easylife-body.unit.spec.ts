import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Person, RequestSnapshot, StageSnapshot, TaskSnapshot } from '@countersign/contracts';
import { easylifeBody, isEasylifeEvent } from './easylife-body';
import { exampleTransition } from './example-transition';

/** "State changes" of the EasyLife document, as it is printed there. */
const documented = readFileSync(path.join(__dirname, '../../test/easylife-state-change.json'), 'utf8');

const person = (externalId: string | null, id = '0192f3a4-7b1c-7d10-8000-000000000099'): Person => ({
  id,
  externalId,
  userName: 'someone@example.com',
  displayName: 'Someone',
  email: null,
});

const { request: example } = exampleTransition('request.created');
const stage = example.stages[0]!;
const task = exampleTransition('task.assigned').request.stages[0]!.tasks[0]!;

const documentedRequest: RequestSnapshot = {
  ...example,
  id: 'd12773f8-6ea1-42be-9be4-3cd58bac3b63',
  workspaceId: '1840b34e-6fe7-4a56-9ad3-0b7b58c49dc7',
  workflow: { id: '8884dca2-6f58-4175-81a2-3504f6ee616d', key: 'group', version: 1 },
  title: 'Group sample',
  reason: 'Is there no reason?',
  requester: person('d3f0fe0f-ad34-4eb2-af61-953ea3a76031'),
  totalStages: 2,
};

const parsed = (request: RequestSnapshot): Record<string, unknown> =>
  JSON.parse(easylifeBody(request)) as Record<string, unknown>;

describe('the easylife state change body', () => {
  it('is the one of the EasyLife document, member by member in its order', () => {
    const body = parsed(documentedRequest);
    const expected = JSON.parse(documented) as Record<string, unknown>;
    expect(body).toEqual(expected);
    expect(Object.keys(body)).toEqual(Object.keys(expected));
  });

  const withTasks = (tasks: TaskSnapshot[], more: Partial<RequestSnapshot> = {}): RequestSnapshot => ({
    ...documentedRequest,
    state: 'pending_review',
    stages: [
      {
        ...stage,
        state: 'approved',
        endedAt: '2026-11-21T09:00:00.000Z',
        tasks: [{ ...task, assignee: person('first') }],
      },
      { ...stage, index: 1, state: 'active', tasks },
    ],
    stageIndex: 1,
    ...more,
  });

  it('names the approvers of the active stage, each once, by externalId or else by id', () => {
    const [outside, inside] = [person('ext-1', '1'), person(null, '2')];
    const tasks = [outside, inside, outside].map((assignee): TaskSnapshot => ({ ...task, assignee }));
    const reassigned: TaskSnapshot = { ...task, state: 'reassigned', assignee: person('gone', '3') };
    expect(parsed(withTasks([...tasks, reassigned]))).toMatchObject({
      participants: ['ext-1', '2'],
      stage: 1,
      totalStages: 2,
    });
  });

  it('names nobody whom only an earlier round has asked', () => {
    const earlier: TaskSnapshot = {
      ...task,
      state: 'approved',
      assignee: person('earlier', '1'),
      past: true,
    };
    const now: TaskSnapshot = { ...task, assignee: person('now', '2') };
    expect(parsed(withTasks([earlier, now]))).toMatchObject({ participants: ['now'], stage: 1 });
    expect(parsed(withTasks([earlier])).participants).toEqual(['d3f0fe0f-ad34-4eb2-af61-953ea3a76031']);
    const endedAt = '2026-11-21T10:00:00.000Z';
    const { stages } = withTasks([now]);
    const decided = parsed({
      ...withTasks([now]),
      state: 'rejected',
      decidedAt: endedAt,
      stages: [
        ...stages.map((one): StageSnapshot =>
          one.index === 1 ? { ...one, state: 'rejected', endedAt } : one,
        ),
        { ...stage, index: 2, state: 'canceled', endedAt: '2026-11-21T10:00:00.001Z', tasks: [earlier] },
      ],
    });
    expect(decided).toMatchObject({ participants: ['now'], stage: 1 });
  });

  it('names the requester while the current stage has no approvers yet', () => {
    expect(parsed(withTasks([]))).toMatchObject({
      participants: ['d3f0fe0f-ad34-4eb2-af61-953ea3a76031'],
      stage: 1,
    });
  });

  it('tells of the stage that decided once the request is decided', () => {
    const request = withTasks([{ ...task, assignee: person('second') }], {
      state: 'completed',
      stageIndex: 0,
      decidedAt: '2026-11-21T10:00:00.000Z',
    });
    const stages = request.stages.map((one) => ({
      ...one,
      state: 'approved' as const,
      endedAt: one.endedAt ?? '2026-11-21T10:00:00.000Z',
    }));
    expect(parsed({ ...request, stages })).toMatchObject({ participants: ['second'], stage: 1 });
  });

  const sideBySide = (
    states: StageSnapshot['state'][],
    more: Partial<RequestSnapshot> = {},
  ): RequestSnapshot => ({
    ...documentedRequest,
    totalStages: states.length,
    stages: states.map((state, index) => ({
      ...stage,
      index,
      key: `s${index}`,
      state,
      endedAt:
        state === 'active' ? null : index === 0 ? '2026-11-21T09:00:00.000Z' : '2026-11-21T10:00:00.000Z',
      tasks: [{ ...task, assignee: person(`ext-${index}`, `id-${index}`) }],
    })),
    ...more,
  });
  const decidedAt = '2026-11-21T10:00:00.000Z';

  it('names the approvers of all active stages of a parallel group, and its first stage', () => {
    const request = sideBySide(['approved', 'active', 'active'], { state: 'pending_review', stageIndex: 1 });
    expect(parsed(request)).toMatchObject({ participants: ['ext-1', 'ext-2'], stage: 1, totalStages: 3 });
  });

  it('names those of the stage that rejected, not of those that were canceled beside it', () => {
    const request = sideBySide(['approved', 'canceled', 'rejected'], { state: 'rejected', decidedAt });
    expect(parsed(request)).toMatchObject({ participants: ['ext-2'], stage: 2 });
  });

  it('tells of an override as of any other end: those who were asked take part', () => {
    const request = sideBySide(['approved', 'canceled', 'canceled'], {
      state: 'completed',
      overridden: true,
      decidedAt,
    });
    expect(parsed(request)).toMatchObject({ participants: ['ext-1', 'ext-2'], stage: 1 });
  });

  it('leaves out whose approval was dismissed and whose task was taken from them', () => {
    const tasks = (['dismissed', 'canceled', 'expired', 'reassigned', 'approved', 'open'] as const).map(
      (state): TaskSnapshot => ({ ...task, state, assignee: person(null, state) }),
    );
    expect(parsed(withTasks(tasks)).participants).toEqual(['approved', 'open']);
  });

  it('has an empty reason when there is none', () => {
    expect(parsed({ ...documentedRequest, reason: null }).reason).toBe('');
  });

  it('is sent for creation, approval and rejection only', () => {
    const types = [
      'request.created',
      'request.submitted',
      'request.stage_approved',
      'request.approved',
      'request.rejected',
      'request.revised',
      'request.returned',
      'request.expired',
      'request.overridden',
      'request.completed',
      'task.decided',
      'task.escalated',
    ];
    expect(types.filter(isEasylifeEvent)).toEqual([
      'request.created',
      'request.stage_approved',
      'request.approved',
      'request.rejected',
    ]);
  });
});
