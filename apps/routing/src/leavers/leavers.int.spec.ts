import type { DirectoryPerson } from '@countersign/contracts';
import { until } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createRouting, type Routing } from '../../test/create-routing';

const person = (id: string, active: boolean): DirectoryPerson => ({
  id,
  externalId: null,
  userName: `${id}@example.com`,
  displayName: id,
  email: null,
  department: null,
  region: null,
  approvalLimit: null,
  groups: [],
  manager: null,
  active,
  version: 2,
});

describe('people who leave', () => {
  let routing: Routing;
  beforeAll(async () => (routing = await createRouting()));
  afterAll(() => routing.stop());

  const ask = async (personId: string, requests: string[], workspaceId = routing.workspaceId) => {
    await routing.sql(
      'INSERT INTO asked_person (request_id, person_id, workspace_id) SELECT r, $2, $3 FROM unnest($1::uuid[]) AS r',
      [requests, personId, workspaceId],
    );
    return requests;
  };

  /** Which requests a person's leaving is told to, each as often as it is. */
  const toldOf = async (personId: string): Promise<string[]> =>
    (await routing.sent('request.person-left.v1'))
      .filter(({ data }) => data.personId === personId)
      .map(({ data }) => data.requestId)
      .sort();

  it('are told to the requests that ask them, whether they are deactivated or deleted', async () => {
    const [gone, deleted, here] = [v7(), v7(), v7()];
    const asked = await ask(gone, [v7(), v7()]);
    const askedToo = await ask(deleted, [v7(), asked[0] ?? '']);
    await ask(here, [v7()]);
    await ask(gone, [v7()], v7());
    await routing.tell('directory.changed.v1', {
      people: [person(gone, false), person(here, true)],
      deleted: [deleted],
    });
    expect(await toldOf(gone)).toEqual([...asked].sort());
    expect(await toldOf(deleted)).toEqual([...askedToo].sort());
    expect(await toldOf(here)).toEqual([]);
  });

  it('are told page by page when they are asked in many', async () => {
    const gone = v7();
    const asked = await ask(
      gone,
      Array.from({ length: 250 }, () => v7()),
    );
    await routing.tell('directory.changed.v1', { people: [person(gone, false)], deleted: [] });
    expect((await toldOf(gone)).length).toBeGreaterThanOrEqual(200);
    const pages = async () => {
      const told = (await routing.sent('request.person-left.v1')).filter(
        ({ data }) => data.personId === gone,
      );
      const causes = [...new Set(told.map(({ causationId }) => causationId))];
      return causes.map((cause) => told.filter(({ causationId }) => causationId === cause).length);
    };
    // The requests do not exist: each message is tried by itself, and the next page waits among them.
    await until(async () => (await pages()).length === 2, 40_000);
    expect(await pages()).toEqual([200, 50]);
    expect(await toldOf(gone)).toEqual([...asked].sort());
  }, 60_000);
});
