import type { RequestSnapshot } from '@countersign/contracts';
import { v7 } from 'uuid';
import { createIntake, type Intake } from '../../test/create-intake';

let intake: Intake;
beforeAll(async () => {
  intake = await createIntake();
  await intake.meet('alice@test');
  const stages = [{ key: 'first', approvers: [{ user: 'bob@test' }] }];
  await intake.call('POST', '/v1/workflows', { key: 'purchase', stages });
  await intake.call('POST', '/v1/workflows/purchase/versions/1/publish', {});
});
afterAll(() => intake.stop());

const bob = { id: v7(), externalId: 'ext', userName: 'bob@test', displayName: 'Bob', email: 'bob@test' };

describe('the timeline of a request', () => {
  it('tells a reader what happened, and nothing of how it is kept going', async () => {
    const { body } = await intake.call('POST', '/v1/requests', {
      workflow: 'purchase',
      title: 'A title',
      requester: 'alice@test',
      payload: {},
    });
    const before: RequestSnapshot = await intake.snapshot(body.id);
    const event = (type: string, data: Record<string, unknown> = {}) => ({
      id: v7(),
      type,
      at: new Date().toISOString(),
      actor: { type: 'system' as const, id: null, via: null },
      taskId: null,
      stageKey: type.startsWith('stage.') ? 'first' : null,
      data,
    });
    const nobody = { resolutionId: v7(), purpose: 'start', leftOut: [], note: null };
    const evidence = (webhook?: object) => ({
      directoryVersion: 7,
      at: new Date().toISOString(),
      sources: [
        { rule: 'approvers.0', kind: webhook ? 'webhook' : 'user', refs: 1, named: 1, people: [], webhook },
      ],
    });
    await intake.tell('request.transitioned.v1', {
      request: { ...before, version: 2 },
      events: [
        event('request.submitted', { revision: 1 }),
        event('stage.skipped', { explanation: 'Skipped: amount is 800, finance starts above 1000.' }),
        event('stage.awaiting_approvers', { purpose: 'start' }),
        event('stage.resolved', nobody),
        event('stage.resolved', { ...nobody, leftOut: [{ ref: 'bob@test', why: 'is not active' }] }),
        event('stage.resolved', { ...nobody, note: 'The webhook answered 500.' }),
        event('stage.resolved', { ...nobody, evidence: evidence({ calls: [{ status: 200 }] }) }),
        event('stage.resolved', { ...nobody, evidence: evidence() }),
        event('stage.quorum_changed', { explanation: '1 of 2 approvers must approve.' }),
        event('stage.queue_changed'),
        event('stage.escalated', { escalation: 0 }),
        event('stage.notified', { people: [] }),
        event('stage.notified', { people: [bob] }),
        event('task.closed', { state: 'canceled' }),
        event('stage.ended', { state: 'approved', explanation: null }),
        event('stage.ended', { state: 'rejected', explanation: 'No.' }),
        event('stage.ended', { state: 'approved', explanation: 'Nobody decided in time.' }),
        event('request.commented', { commentId: v7(), text: 'Hm.' }),
        event('constructor'),
        event('stage.of_another_age'),
      ],
      revisionPayload: null,
    });
    const { data } = (await intake.get(`/v1/requests/${body.id}/timeline`)).body;
    expect(data.map(({ type }: { type: string }) => type)).toEqual([
      'request.submitted',
      'stage.skipped',
      'stage.resolved',
      'stage.resolved',
      'stage.resolved',
      'stage.notified',
      'stage.ended',
      'request.commented',
    ]);
    expect(data[2].detail).toMatchObject({
      stageKey: 'first',
      leftOut: [{ ref: 'bob@test', why: 'is not active' }],
    });
    expect(data[3].detail.note).toBe('The webhook answered 500.');
    expect(data[4].detail.evidence).toMatchObject({
      directoryVersion: 7,
      sources: [{ webhook: { calls: [{ status: 200 }] } }],
    });
    expect(data[5].detail.people).toEqual([{ id: bob.id, userName: 'bob@test', displayName: 'Bob' }]);
  });
});
