import type { Person, RequestSnapshot } from '@countersign/contracts';
import { until } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createRouting, type Routing } from '../../test/create-routing';

const person = (name: string): Person => ({
  id: v7(),
  externalId: null,
  userName: `${name}@example.com`,
  displayName: name,
  email: null,
});
const attributes = { department: null, region: null, approvalLimit: null, groups: [], manager: null };
const service = { type: 'service' as const, id: v7(), via: null };
const rita = person('rita');
const [ann, dan] = [person('ann'), person('dan')];

describe('delegations that begin and end', () => {
  let routing: Routing;
  beforeAll(async () => (routing = await createRouting()));
  afterAll(() => routing.stop());

  const submit = async (): Promise<string> => {
    const workflowId = v7();
    const definition = { key: 'orders', stages: [{ key: 'first', approvers: [{ user: 'ann' }] }] };
    await routing.tell('workflow.published.v1', { workflowId, key: 'orders', version: 1, definition });
    const requestId = v7();
    await routing.tell('request.submit.v1', {
      requestId,
      actor: service,
      workflow: { id: workflowId, key: 'orders', version: 1 },
      title: 'A title',
      reason: null,
      requester: { ...rita, ...attributes },
      payload: { value: {} },
      externalRef: null,
      metadata: {},
      draft: false,
      createdAt: new Date().toISOString(),
    });
    return requestId;
  };
  const questions = async (requestId: string) =>
    (await routing.sent('approvers.resolve.v1')).filter(({ data }) => data.requestId === requestId);
  const answer = async (
    requestId: string,
    holder: Person,
    onBehalfOf: Person | null = null,
    more: { version?: number; onBehalfOfVersion?: number } = {},
  ) => {
    const question = (await questions(requestId)).at(-1)?.data;
    if (!question) throw new Error('nobody was asked for');
    await routing.tell('approvers.resolved.v1', {
      resolutionId: question.resolutionId,
      requestId,
      stageKey: question.stageKey,
      approvers: [{ person: holder, why: ['named'], sources: [0], onBehalfOf, ...more }],
      skipped: [],
      note: null,
    });
  };
  const held = async (requestId: string): Promise<string[]> => {
    const requests = (await routing.sent('request.transitioned.v1'))
      .map(({ data }): RequestSnapshot => data.request)
      .filter(({ id }) => id === requestId)
      .sort((a, b) => a.version - b.version);
    const open = (requests.at(-1)?.stages ?? []).flatMap(({ tasks }) =>
      tasks.filter(({ state }) => state === 'open'),
    );
    return open.map(({ assignee, onBehalfOf }) =>
      onBehalfOf ? `${assignee.displayName} for ${onBehalfOf.displayName}` : assignee.displayName,
    );
  };
  /** Delegations of somebody have changed, and as many questions of the request have been asked. */
  const changed = async (who: Person, requestId: string, count: number) => {
    await routing.tell('delegations.changed.v1', { people: [who.id], after: null });
    await until(async () => (await questions(requestId)).length >= count);
    expect(await questions(requestId)).toHaveLength(count);
  };

  it('are asked about with the workflow and with whom nobody may hand their task to', async () => {
    const requestId = await submit();
    expect((await questions(requestId))[0]?.data.delegations).toEqual({
      workflow: 'orders',
      forbidden: [rita.id],
    });
  });

  it('move open tasks there and back, whoever of the two is named', async () => {
    const [requestId, other] = [await submit(), await submit()];
    await answer(requestId, ann);
    await answer(other, dan);
    await changed(ann, requestId, 2);
    await answer(requestId, dan, ann);
    expect(await held(requestId)).toEqual(['dan for ann']);
    expect(await questions(other)).toHaveLength(1);
    // By the delegator, though the delegate holds the task.
    await changed(ann, requestId, 3);
    await answer(requestId, ann);
    expect([await held(requestId), await held(other)]).toEqual([['ann'], ['dan']]);
  });

  it('are passed over when the delegate has left since, and void when the delegator has', async () => {
    const [lea, max] = [person('lea'), person('max')];
    const leave = (who: Person) =>
      routing.tell('directory.changed.v1', {
        people: [{ ...who, ...attributes, active: false, version: 2 }],
        deleted: [],
      });
    await leave(lea);
    const requestId = await submit();
    await answer(requestId, lea, max, { version: 1, onBehalfOfVersion: 1 });
    expect(await held(requestId)).toEqual(['max']);
    const second = await submit();
    await answer(second, max, lea, { version: 1, onBehalfOfVersion: 1 });
    expect(await held(second)).toEqual([]);
  });

  it('reach every request that asks the person, page by page', async () => {
    const zoe = person('zoe');
    await routing.sql(
      `INSERT INTO asked_person (workspace_id, person_id, request_id)
       SELECT $1, $2, gen_random_uuid() FROM generate_series(1, 250)`,
      [routing.workspaceId, zoe.id],
    );
    await routing.tell('delegations.changed.v1', { people: [zoe.id], after: null });
    const told = async () =>
      (await routing.sent('request.delegations.v1')).filter(({ data }) => data.personId === zoe.id);
    // The requests do not exist: each message is tried by itself, and the next page waits among them.
    await until(async () => (await told()).length >= 250, 40_000);
    expect(await told()).toHaveLength(250);
  }, 60_000);
});
