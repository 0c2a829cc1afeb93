import { storedText, until } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createRouting, type Routing } from '../../test/create-routing';

const alice = {
  id: v7(),
  externalId: null,
  userName: 'alice.markword@test',
  displayName: 'Alice',
  email: null,
};
const service = { type: 'service' as const, id: v7(), via: null };
const words = ['alice.markword', 'title-markword', 'payload-markword', 'reason-markword', 'revised-markword'];

let routing: Routing;
beforeAll(async () => (routing = await createRouting()));
afterAll(() => routing.stop());

const left = async (): Promise<string> =>
  (await storedText(routing))
    .split('\n')
    .filter((line) => !line.startsWith('{"name":"outbox_message"'))
    .join('\n');

const submit = async (draft = true): Promise<string> => {
  const [workflowId, requestId] = [v7(), v7()];
  const definition = {
    key: `purchase-${workflowId}`,
    stages: [{ key: 'first', approvers: [{ user: 'bob@test' }] }],
  };
  await routing.tell('workflow.published.v1', { workflowId, key: definition.key, version: 1, definition });
  await routing.tell('request.submit.v1', {
    requestId,
    actor: service,
    workflow: { id: workflowId, key: definition.key, version: 1 },
    title: 'title-markword',
    reason: 'reason-markword',
    requester: { ...alice, department: null, region: null, approvalLimit: null, groups: [], manager: null },
    payload: { value: { note: 'payload-markword' } },
    externalRef: null,
    metadata: {},
    draft,
    createdAt: new Date().toISOString(),
  });
  return requestId;
};

const erase = async (id: string) => {
  const erasureId = v7();
  await routing.tell('subject.erase.v1', {
    erasureId,
    part: 0,
    subject: alice.id,
    requests: [{ id, isRequester: true }],
    general: true,
  });
  return until(async () =>
    (await routing.sent('subject.erased.v1')).find(({ data }) => data.erasureId === erasureId),
  );
};

describe('erasing a requester in the aggregate', () => {
  it('leaves nothing, keeps the version, and tells nothing of them afterwards', async () => {
    const id = await submit();
    const before = await left();
    for (const word of words.slice(0, 4)) expect(before).toContain(word);
    const versions = () =>
      routing.sql<{ version: number }>('SELECT version FROM request WHERE id = $1', [id]);
    const [version] = await versions();
    const { data } = await erase(id);
    expect(data).toMatchObject({ service: 'routing', counts: { requests: 1, payloads: 1 } });
    expect(await versions()).toEqual([version]);
    for (const word of words) expect(await left()).not.toContain(word);

    const count = (await routing.sent('request.transitioned.v1')).length;
    await routing.tell('request.cancel.v1', {
      commandId: v7(),
      requestId: id,
      actor: service,
      expectedVersion: null,
      reason: 'Not needed',
    });
    const [told] = (await routing.untilSent('request.transitioned.v1', count + 1)).slice(count);
    expect(told?.data.request).toMatchObject({
      state: 'canceled',
      title: 'Erased',
      requester: { id: alice.id },
    });
    for (const word of words) expect(JSON.stringify(told)).not.toContain(word);
  });

  it('reaches messages that could not be handled, so that a replay brings nothing back', async () => {
    const id = await submit();
    await routing.sql(
      `INSERT INTO dead_letter (id, queue, message_id, workspace_id, type, envelope, error, attempts)
       VALUES ($1, 'routing', $1, $2, 'request.revise.v1', $3, 'revised-markword', 1)`,
      [
        v7(),
        routing.workspaceId,
        JSON.stringify(
          routing.message('request.revise.v1', {
            commandId: v7(),
            requestId: id,
            actor: service,
            expectedVersion: null,
            title: 'revised-markword',
            reason: { value: 'revised-markword' },
            payload: { value: { note: 'revised-markword' } },
          }),
        ),
      ],
    );
    expect((await erase(id)).data.counts).toMatchObject({ deadLetters: 1 });
    for (const word of words) expect(await left()).not.toContain(word);
    const [letter] = await routing.sql<{ envelope: { data: object } }>(
      'SELECT envelope FROM dead_letter WHERE message_id = id',
    );
    expect(letter?.envelope.data).toMatchObject({
      requestId: id,
      title: 'Erased',
      reason: { value: null },
      payload: { value: null },
    });
  });
});
