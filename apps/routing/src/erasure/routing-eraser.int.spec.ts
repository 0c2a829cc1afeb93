import { DeadLetters } from '@countersign/messaging';
import { Database, roleOf, urlAs } from '@countersign/persistence';
import { secretKey, storedText, until } from '@countersign/service-kit/test';
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

  it('refuses to go on with a draft that is erased, and lets it be canceled', async () => {
    const id = await submit();
    await erase(id);
    const give = async (
      type: 'request.revise.v1' | 'request.hand-in.v1' | 'request.cancel.v1',
      more: object,
    ) => {
      const commandId = v7();
      await routing.tell(type, {
        commandId,
        requestId: id,
        actor: service,
        expectedVersion: null,
        ...more,
      } as never);
      const settled = await routing.sent('command.settled.v1');
      return settled.find(({ data }) => data.commandId === commandId)?.data.refused;
    };
    const refused = {
      code: 'invalid_transition',
      detail: 'The draft has been erased. Make a new request.',
    };
    const revision = {
      title: 'revised-markword',
      reason: null,
      payload: { value: { note: 'revised-markword' } },
    };
    expect(await give('request.revise.v1', revision)).toMatchObject(refused);
    expect(await give('request.hand-in.v1', {})).toMatchObject(refused);
    for (const word of words) expect(await left()).not.toContain(word);
    expect(await give('request.cancel.v1', { reason: 'Not needed' })).toBeNull();
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
    // Replayed, it changes nothing either.
    const relay = await Database.connect({
      url: urlAs(routing.ownerUrl, secretKey, roleOf('routing', 'relay')),
      schema: 'routing',
      poolSize: 1,
      applicationName: 'replay',
    });
    try {
      const [one] = await new DeadLetters(relay, 'routing').list();
      expect(await new DeadLetters(relay, 'routing').replay(one!.id)).toBe(true);
      const [replayed] = await until(async () => {
        const rows = await routing.sent('command.settled.v1');
        return (
          rows.some(({ data }) => data.requestId === id) && rows.filter(({ data }) => data.requestId === id)
        );
      });
      expect(replayed?.data.refused?.code).toBe('invalid_transition');
    } finally {
      await relay.close();
    }
    for (const word of words) expect(await left()).not.toContain(word);
  });
});
