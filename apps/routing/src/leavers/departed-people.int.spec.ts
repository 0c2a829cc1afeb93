import type { DirectoryPerson, Person, RequestSnapshot } from '@countersign/contracts';
import { Database, roleOf, urlAs } from '@countersign/persistence';
import { secretKey } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createRouting, type Routing } from '../../test/create-routing';
import { lockDepartures } from './departed-person.rows';

const person = (name: string): Person => ({
  id: v7(),
  externalId: null,
  userName: `${name}@example.com`,
  displayName: name,
  email: null,
});
const attributes = { department: null, region: null, approvalLimit: null, groups: [], manager: null };
const at = (one: Person, version: number, active: boolean): DirectoryPerson => ({
  ...one,
  ...attributes,
  active,
  version,
});
const service = { type: 'service' as const, id: v7(), via: null };
const alice = person('alice');

describe('people who have left', () => {
  let routing: Routing;
  beforeAll(async () => (routing = await createRouting()));
  afterAll(() => routing.stop());

  const directory = (...people: DirectoryPerson[]) =>
    routing.tell('directory.changed.v1', { people, deleted: [] });

  const submit = async (stage: object = {}): Promise<string> => {
    const workflowId = v7();
    const definition = { key: 'w', stages: [{ key: 'first', approvers: [{ user: 'bob' }], ...stage }] };
    await routing.tell('workflow.published.v1', { workflowId, key: 'w', version: 1, definition });
    const requestId = v7();
    await routing.tell('request.submit.v1', {
      requestId,
      actor: service,
      workflow: { id: workflowId, key: 'w', version: 1 },
      title: 'A title',
      reason: null,
      requester: { ...alice, ...attributes },
      payload: { value: {} },
      externalRef: null,
      metadata: {},
      draft: false,
      createdAt: new Date().toISOString(),
    });
    return requestId;
  };

  /** Answers the newest question of a request with people as of a change of the directory. */
  const answer = async (requestId: string, ...approvers: { person: Person; version?: number }[]) => {
    const question = (await routing.sent('approvers.resolve.v1'))
      .filter(({ data }) => data.requestId === requestId)
      .at(-1)?.data;
    if (!question) throw new Error('nobody was asked for');
    await routing.tell('approvers.resolved.v1', {
      resolutionId: question.resolutionId,
      requestId,
      stageKey: question.stageKey,
      approvers: approvers.map((one) => ({ ...one, why: ['named'], sources: [0] })),
      skipped: [],
      note: null,
    });
  };

  const read = async (requestId: string): Promise<RequestSnapshot> => {
    const requests = (await routing.sent('request.transitioned.v1'))
      .map(({ data }) => data.request)
      .filter(({ id }) => id === requestId)
      .sort((a, b) => a.version - b.version);
    const newest = requests.at(-1);
    if (!newest) throw new Error('no such request');
    return newest;
  };
  const asked = async (requestId: string): Promise<string[]> =>
    (await read(requestId)).stages.flatMap(({ tasks }) =>
      tasks.filter(({ state }) => state === 'open').map(({ assignee }) => assignee.displayName),
    );

  it('are given no task by an answer that found them active, and the stage goes by its rule', async () => {
    const bob = person('bob');
    const requestId = await submit();
    await directory(at(bob, 2, false));
    await answer(requestId, { person: bob, version: 1 });
    expect(await read(requestId)).toMatchObject({
      state: 'failed',
      failure: {
        code: 'no_approvers',
        detail: expect.stringContaining('bob@example.com: is no longer active'),
      },
    });

    const other = await submit({ onNoApprovers: { fallback: [{ user: 'carol' }] } });
    await answer(other, { person: bob, version: 1 });
    await answer(other, { person: person('carol'), version: 1 });
    expect(await asked(other)).toEqual(['carol']);
  });

  it('are only left out: whoever else was found is asked', async () => {
    const [bob, carol] = [person('bob'), person('carol')];
    const requestId = await submit();
    await routing.tell('directory.changed.v1', { people: [], deleted: [bob.id] });
    await answer(requestId, { person: bob, version: 1 }, { person: carol, version: 1 });
    expect(await asked(requestId)).toEqual(['carol']);
  });

  it('may come back, and are then asked by old answers and new ones', async () => {
    const bob = person('bob');
    const [first, second] = [await submit(), await submit()];
    await directory(at(bob, 2, false));
    await directory(at(bob, 3, true));
    await answer(first, { person: bob, version: 1 });
    await answer(second, { person: bob, version: 3 });
    expect([await asked(first), await asked(second)]).toEqual([['bob'], ['bob']]);
    await directory(at(bob, 4, false));
    const third = await submit();
    await answer(third, { person: bob, version: 3 });
    expect(await asked(third)).toEqual([]);
  });

  it('are asked by an answer that is newer than what is known of their leaving', async () => {
    const bob = person('bob');
    const [first, second] = [await submit(), await submit()];
    await directory(at(bob, 2, false));
    await answer(first, { person: bob, version: 3 });
    expect(await asked(first)).toEqual(['bob']);
    const carol = person('carol');
    await directory(at(carol, 5, true));
    await directory(at(carol, 4, false));
    await answer(second, { person: carol, version: 5 });
    expect(await asked(second)).toEqual(['carol']);
  });

  it('are known by their newest state when several come together', async () => {
    const bob = person('bob');
    const requestId = await submit();
    await directory(at(bob, 3, true), at(bob, 2, false));
    await answer(requestId, { person: bob, version: 1 });
    expect(await asked(requestId)).toEqual(['bob']);
  });

  it('are given no task by somebody who passes theirs on', async () => {
    const [bob, carol] = [person('bob'), person('carol')];
    const requestId = await submit();
    await answer(requestId, { person: bob, version: 1 });
    await directory(at(carol, 2, false));
    const task = (await read(requestId)).stages[0]?.tasks[0];
    const pass = async (toVersion: number) => {
      const commandId = v7();
      await routing.tell('task.reassign.v1', {
        commandId,
        requestId,
        actor: service,
        expectedVersion: null,
        taskId: task?.id ?? '',
        to: carol,
        toVersion,
        reason: null,
      });
      return (await routing.sent('command.settled.v1')).find(({ data }) => data.commandId === commandId)?.data
        .refused;
    };
    expect(await pass(1)).toEqual({
      code: 'validation_failed',
      detail: 'carol is no longer active.',
      pointer: '/to',
      retryAfter: null,
    });
    expect(await pass(3)).toBeNull();
    expect(await asked(requestId)).toEqual(['carol']);
  });

  it('wait for whoever is just opening tasks, so that those are found', async () => {
    const bob = person('bob');
    const requestId = v7();
    const opening = await Database.connect({
      url: urlAs(routing.ownerUrl, secretKey, roleOf('routing', 'app')),
      schema: 'routing',
      poolSize: 1,
      applicationName: 'test',
    });
    try {
      let left: Promise<unknown> = Promise.resolve();
      await opening.transaction([routing.workspaceId], async (sql) => {
        await lockDepartures(sql, [routing.workspaceId], 'shared');
        left = directory(at(bob, 2, false));
        await new Promise((resolve) => setTimeout(resolve, 300));
        await sql.query(
          'INSERT INTO asked_person (request_id, person_id, workspace_id) VALUES ($1, $2, $3)',
          [requestId, bob.id, routing.workspaceId],
        );
      });
      await left;
    } finally {
      await opening.close();
    }
    const told = (await routing.sent('request.person-left.v1')).filter(
      ({ data }) => data.personId === bob.id,
    );
    expect(told.map(({ data }) => data.requestId)).toEqual([requestId]);
  });
});
