import type { RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import { storedText, until } from '@countersign/service-kit/test';
import pg from 'pg';
import { v7 } from 'uuid';
import { createIntake, type Intake } from '../../test/create-intake';

let intake: Intake;
let alice: string;
beforeAll(async () => {
  intake = await createIntake();
  alice = (await intake.meet('alice.markword@test')).id;
  const stages = [{ key: 'first', approvers: [{ user: 'bob@test' }] }];
  await intake.call('POST', '/v1/workflows', { key: 'purchase', stages });
  await intake.call('POST', '/v1/workflows/purchase/versions/1/publish', {});
});
afterAll(() => intake.stop());

const words = [
  'alice.markword',
  'title-markword',
  'payload-markword',
  'why-markword',
  'text-markword',
  'refusal-markword',
];

const event = (type: string, data: Record<string, unknown>): TransitionEvent => ({
  id: v7(),
  type,
  at: new Date().toISOString(),
  actor: { type: 'user', id: alice, via: null },
  taskId: null,
  stageKey: null,
  data,
});

/** A request of Alice's that was taken, and the transition that ends it. */
const submitted = async (): Promise<{ id: string; end: RequestTransitioned }> => {
  const { body } = await intake.call('POST', '/v1/requests', {
    workflow: 'purchase',
    title: 'title-markword',
    externalRef: 'title-markword',
    requester: 'alice.markword@test',
    payload: { note: 'payload-markword' },
  });
  const snapshot = await intake.snapshot(body.id);
  return {
    id: body.id,
    end: {
      request: { ...snapshot, version: 2, state: 'canceled' },
      events: [
        event('request.submitted', { revision: 1 }),
        event('request.commented', { commentId: v7(), text: 'text-markword' }),
        event('stage.skipped', { explanation: 'why-markword of alice.markword@test' }),
      ],
      revisionPayload: null,
    },
  };
};

const erase = async (...ids: string[]) => {
  const erasureId = v7();
  await intake.tell('subject.erase.v1', {
    erasureId,
    part: 0,
    subject: alice,
    requests: ids.map((id) => ({ id, isRequester: true })),
    general: true,
  });
  return until(async () =>
    (await intake.sent('subject.erased.v1')).find(({ data }) => data.erasureId === erasureId),
  );
};

/** What there is but the directory's record of her. */
const left = async (): Promise<string> =>
  (await storedText(intake))
    .split('\n')
    .filter((line) => !line.startsWith('{"name":"person"') && !line.startsWith('{"name":"outbox_message"'))
    .join('\n');

describe('erasing a requester in the read model', () => {
  it('leaves nothing, and says how much it was', async () => {
    const { id, end } = await submitted();
    await intake.tell('request.transitioned.v1', end);
    const commandId = v7();
    await intake.sql(
      `INSERT INTO command (id, workspace_id, request_id, state, refused) VALUES ($1, $2, $3, 'refused', $4)`,
      [
        commandId,
        intake.workspaceId,
        id,
        JSON.stringify({ code: 'payload_invalid', detail: 'refusal-markword' }),
      ],
    );
    const before = await left();
    for (const word of words) expect(before).toContain(word);
    const { data } = await erase(id);
    expect(data).toMatchObject({
      service: 'intake',
      part: 0,
      counts: { requests: 1, payloads: 1, commands: 1 },
    });
    for (const word of words) expect(await left()).not.toContain(word);
    const { body } = await intake.get(`/v1/requests/${id}`);
    expect(body).toMatchObject({ title: 'Erased', payload: null, externalRef: null });
    expect((await intake.get(`/v1/requests/${id}/timeline`)).body.data.length).toBe(3);
  });

  it('lets nothing back in by what was on its way: transitions, payloads and refusals', async () => {
    const { id, end } = await submitted();
    await erase(id);
    const commandId = v7();
    await intake.sql(`INSERT INTO command (id, workspace_id, request_id) VALUES ($1, $2, $3)`, [
      commandId,
      intake.workspaceId,
      id,
    ]);
    await intake.tell('request.transitioned.v1', {
      ...end,
      request: { ...end.request, payloadRevision: 2 },
      revisionPayload: { revision: 2, payload: { value: { note: 'payload-markword' } } },
    });
    await intake.tell('command.settled.v1', {
      commandId,
      requestId: id,
      requestVersion: 2,
      refused: { code: 'payload_invalid', detail: 'refusal-markword', pointer: null, retryAfter: null },
    });
    for (const word of words) expect(await left()).not.toContain(word);
    expect((await intake.get(`/v1/commands/${commandId}`)).body.state).toBe('refused');
    expect((await intake.get(`/v1/requests/${id}`)).body).toMatchObject({
      state: 'canceled',
      title: 'Erased',
    });
  });

  it('waits for whoever was storing something when it began', async () => {
    const { id } = await submitted();
    const writer = new pg.Client({ connectionString: intake.ownerUrl, options: '-c search_path=intake' });
    await writer.connect();
    try {
      // Has written something, has asked what is erased (nothing yet), and takes its time.
      await writer.query('BEGIN');
      await writer.query('INSERT INTO inbox (queue, message_id, workspace_id) VALUES ($1, $2, $3)', [
        'intake',
        v7(),
        intake.workspaceId,
      ]);
      const erasing = erase(id);
      await until(
        async () => (await intake.sql('SELECT 1 FROM erasure_work WHERE fence IS NOT NULL')).length > 0,
      );
      await writer.query(
        `INSERT INTO request_event (id, workspace_id, request_id, request_version, at, type, actor, detail)
         VALUES ($1, $2, $3, 2, now(), 'request.commented', $4, $5)`,
        [
          v7(),
          intake.workspaceId,
          id,
          JSON.stringify({ type: 'user', id: alice }),
          JSON.stringify({ text: 'text-markword' }),
        ],
      );
      await writer.query('COMMIT');
      await erasing;
      for (const word of words) expect(await left()).not.toContain(word);
    } finally {
      await writer.end();
    }
  });

  it('says of a draft that is erased that it is, and not what is wrong with its payload', async () => {
    const schema = { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } };
    const stages = [{ key: 'first', approvers: [{ user: 'bob@test' }] }];
    await intake.call('POST', '/v1/workflows', { key: 'strict', subject: schema, stages });
    await intake.call('POST', '/v1/workflows/strict/versions/1/publish', {});
    const { body } = await intake.call('POST', '/v1/requests', {
      workflow: 'strict',
      title: 'title-markword',
      requester: 'alice.markword@test',
      payload: {},
      draft: true,
    });
    const handIn = () => intake.call('POST', `/v1/requests/${body.id}/submit`, {});
    expect((await handIn()).body.code).toBe('payload_invalid');
    await erase(body.id);
    const refused = { status: 409, code: 'invalid_transition', detail: expect.stringContaining('erased') };
    expect((await handIn()).body).toMatchObject(refused);
    const revision = { title: 'title-markword', payload: { amount: 1 } };
    expect((await intake.call('PATCH', `/v1/requests/${body.id}`, revision)).body).toMatchObject(refused);
    for (const word of words) expect(await left()).not.toContain(word);
  });

  it('takes what she wrote when she published, and nobody else', async () => {
    const stages = [{ key: 'first', approvers: [{ user: 'bob@test' }] }];
    for (const [version, actor] of [
      [1, 'alice.markword@test'],
      [2, null],
    ] as const) {
      await intake.call('POST', '/v1/workflows', { key: 'noted', stages });
      const { status } = await intake.call(
        'POST',
        `/v1/workflows/noted/versions/${version}/publish`,
        { note: actor ? 'why-markword' : 'of the key' },
        { actor },
      );
      expect(status).toBe(200);
    }
    const { data } = await erase();
    expect(data.counts).toMatchObject({ notes: 1 });
    const notes = async (table: string) =>
      (
        await intake.sql(
          `SELECT note FROM ${table} JOIN workflow w ON w.id = workflow_id WHERE w.key = 'noted' ORDER BY version`,
        )
      ).map(({ note }) => note);
    expect(await notes('workflow_version')).toEqual([null, 'of the key']);
    expect(await notes('workflow_publication')).toEqual([null, 'of the key']);
  });

  it('goes on after a restart, and asked again changes nothing', async () => {
    const { id } = await submitted();
    await erase(id);
    const { data } = await erase(id);
    expect(data.counts).toEqual({});
    await intake.sql(
      `INSERT INTO erasure_work (erasure_id, part, workspace_id, subject, requests, general, correlation_id)
       VALUES ($1, 0, $2, $3, '[]', true, $1)`,
      [id, intake.workspaceId, alice],
    );
    await intake.restart();
    await until(async () =>
      (await intake.sent('subject.erased.v1')).some((message) => message.data.erasureId === id),
    );
  });
});
