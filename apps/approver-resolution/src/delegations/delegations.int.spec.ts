import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';
import { delegationsAt } from './delegation.rows';
import { TestService, type CallOptions } from '../../test/test-service';

const extension = 'urn:countersign:scim:schemas:1.0:User';
type Question = JobData<'approvers.resolve.v1'>;
interface Person {
  id: string;
  userName: string;
  displayName: string;
}
interface Delegation {
  id: string;
  from: Person;
  to: Person;
  startsAt: string;
  endsAt: string;
  workflows: string[] | null;
  code?: string;
  errors?: { pointer: string }[];
}

const at = (ms: number) => new Date(Date.now() + ms).toISOString();
const day = 86_400_000;

describe('delegations', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  const person = (name: string, more: Record<string, unknown> = {}) =>
    service.user(`${name}@test`, { displayName: name, ...more });
  const body = (from: string, to: string, more: Record<string, unknown> = {}) => ({
    from,
    to,
    startsAt: at(-day),
    endsAt: at(day),
    ...more,
  });
  const post = (given: unknown, options: CallOptions = {}, workspaceId?: string) =>
    service.call<Delegation>(
      'POST',
      '/v1/delegations',
      given,
      { scopes: ['directory:write'], ...options },
      workspaceId,
    );
  const make = async (from: string, to: string, more: Record<string, unknown> = {}) => {
    const answer = await post(body(from, to, more));
    expect([answer.status, answer.body.errors]).toEqual([201, undefined]);
    return answer.body;
  };
  const list = async (query = '', workspaceId?: string) =>
    (
      await service.call<{ data: Delegation[]; nextCursor: string | null }>(
        'GET',
        `/v1/delegations${query}`,
        undefined,
        { scopes: ['directory:read'] },
        workspaceId,
      )
    ).body;

  /** Who is asked, on whose behalf and why, when these people are named. */
  const resolve = async (refs: string[], more: Partial<Question> = {}) => {
    const asked: Question = {
      resolutionId: v7(),
      requestId: v7(),
      stageKey: 'stage',
      stageIndex: 0,
      totalStages: 1,
      sources: refs.map((user) => ({ user })),
      exclude: [],
      title: 'Title',
      reason: null,
      requester: {
        id: v7(),
        externalId: null,
        userName: 'rita@test',
        displayName: 'Rita',
        email: null,
        department: null,
        region: null,
        approvalLimit: null,
        groups: [],
        manager: null,
      },
      payload: null,
      delegations: { workflow: 'orders', forbidden: [] },
      ...more,
    };
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked));
    const { approvers } = await service.resolved(asked.resolutionId);
    return approvers.map(({ person: holder, onBehalfOf, substitution }) => [
      holder.displayName,
      onBehalfOf?.displayName ?? null,
      substitution?.replace(/ until .*/, '') ?? null,
    ]);
  };
  const told = async (personId: string, count: number) =>
    service.eventually(async () => {
      const messages = await service.sent('delegations.changed.v1');
      const own = messages.filter(({ data }) => data.people.includes(personId));
      return own.length >= count ? own : null;
    });

  it('are made for refs, shown, listed newest first and deleted', async () => {
    const anna = await person('Anna', { externalId: 'ext-anna' });
    const bert = await person('Bert');
    const period = { startsAt: '2026-11-20T09:00:00+01:00', endsAt: '2030-01-01T00:00:00Z' };
    const answer = await post({ from: 'ext-anna', to: 'BERT@test', ...period, workflows: ['orders'] });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String) as string,
      from: { id: anna, userName: 'Anna@test', displayName: 'Anna' },
      to: { id: bert, userName: 'Bert@test', displayName: 'Bert' },
      startsAt: '2026-11-20T08:00:00.000Z',
      endsAt: '2030-01-01T00:00:00.000Z',
      workflows: ['orders'],
      createdAt: expect.any(String) as string,
    });
    const path = `/v1/delegations/${answer.body.id}`;
    expect(answer.headers.get('location')).toBe(path);
    const second = await make(anna, bert, { workflows: ['travel'] });
    const first = await list('?limit=1');
    expect(first.data.map(({ id }) => id)).toEqual([second.id]);
    expect((await list(`?limit=1&cursor=${first.nextCursor}`)).data).toEqual([answer.body]);
    expect((await service.call('GET', path)).body).toEqual(answer.body);
    expect((await service.call('DELETE', path)).status).toBe(204);
    expect((await service.call('DELETE', path)).status).toBe(404);
    expect((await list()).data.map(({ id }) => id)).toEqual([second.id]);
  });

  it('are refused in the order of the API: form, unknown people, circles', async () => {
    const carl = await person('Carl');
    const wrong = await post({ from: 'Carl@test', to: '', startsAt: 'soon', endsAt: at(day), extra: 1 });
    expect([wrong.status, wrong.body.errors?.map(({ pointer }) => pointer).sort()]).toEqual([
      400,
      ['/extra', '/startsAt', '/to'],
    ]);
    const backwards = await post(body('ghost', carl, { endsAt: at(-2 * day) }));
    expect([backwards.status, backwards.body.errors?.[0]?.pointer]).toEqual([400, '/endsAt']);
    const over = await post(body('ghost', carl, { startsAt: at(-2 * day), endsAt: at(-1_000) }));
    expect([over.status, over.body.code, over.body.errors?.map(({ pointer }) => pointer)]).toEqual([
      400,
      'validation_failed',
      ['/endsAt'],
    ]);
    const unknown = await post(body('ghost', 'spirit'));
    expect([unknown.status, unknown.body.code, unknown.body.errors?.map(({ pointer }) => pointer)]).toEqual([
      422,
      'unknown_reference',
      ['/from', '/to'],
    ]);
    // Nobody gets tasks who would not be asked; who has left may hand on what was theirs.
    const left = await person('Left', { active: false });
    const inactive = await post(body(carl, left));
    expect([
      inactive.status,
      inactive.body.code,
      inactive.body.errors?.map(({ pointer }) => pointer),
    ]).toEqual([422, 'unknown_reference', ['/to']]);
    await make(left, carl);
    const self = await post(body('Carl@test', carl));
    expect([self.status, self.body.code]).toEqual([422, 'delegation_cycle']);
    expect((await post(body('Carl@test', carl), { scopes: ['directory:read'] })).status).toBe(403);
  });

  it('may not lead back at the same time and for the same workflow', async () => {
    const [one, two, three] = [await person('One'), await person('Two'), await person('Three')];
    await make(one, two, { startsAt: at(0), endsAt: at(10 * day), workflows: ['orders', 'travel'] });
    await make(two, three, { startsAt: at(5 * day), endsAt: at(20 * day) });
    const back = (more: Record<string, unknown>) => post(body(three, one, more));
    const meets = await back({ startsAt: at(9 * day), endsAt: at(30 * day) });
    expect([meets.status, meets.body.code]).toEqual([422, 'delegation_cycle']);
    expect((await back({ startsAt: at(11 * day), endsAt: at(30 * day) })).status).toBe(201);
    expect((await back({ startsAt: at(6 * day), endsAt: at(8 * day), workflows: ['leave'] })).status).toBe(
      201,
    );
    // Two at once that lead back only together: one of them is too late.
    const [four, five] = [await person('Four'), await person('Five')];
    const both = await Promise.all([post(body(four, five)), post(body(five, four))]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 422]);
  });

  it('are seen in their own workspace only', async () => {
    const dora = await person('Dora');
    const emil = await person('Emil');
    const { id } = await make(dora, emil);
    const other = v7();
    expect(await list('', other)).toEqual({ data: [], nextCursor: null });
    const path = `/v1/delegations/${id}`;
    for (const method of ['GET', 'DELETE']) {
      expect((await service.call(method, path, undefined, {}, other)).status).toBe(404);
    }
    expect((await post(body(dora, emil), {}, other)).body.code).toBe('unknown_reference');
  });

  it('are made and ended by a limited key for its workflows only, which sees those that concern them', async () => {
    const [nora, otto] = [await person('Nora'), await person('Otto')];
    const limited = { workflows: ['orders'] };
    const all = await post(body(nora, otto), limited);
    expect([all.status, all.body.code]).toEqual([403, 'workflow_not_allowed']);
    expect((await post(body(nora, otto, { workflows: ['orders', 'travel'] }), limited)).status).toBe(403);
    const own = await post(body(nora, otto, { workflows: ['orders'] }), limited);
    expect(own.status).toBe(201);
    const everything = await make(nora, otto);
    const other = await make(nora, otto, { workflows: ['travel'] });
    const answer = await service.call<{ data: Delegation[] }>('GET', '/v1/delegations', undefined, limited);
    const seen = answer.body.data.map(({ id }) => id);
    expect(seen).toEqual(expect.arrayContaining([own.body.id, everything.id]));
    expect(seen).not.toContain(other.id);
    const remove = async ({ id }: Delegation) =>
      (await service.call('DELETE', `/v1/delegations/${id}`, undefined, limited)).status;
    expect([await remove(own.body), await remove(everything), await remove(other)]).toEqual([204, 403, 403]);
  });

  it('of other workflows are not shown to a limited key', async () => {
    const [vic, wim] = [await person('Vic'), await person('Wim')];
    const { id } = await make(vic, wim, { workflows: ['travel'] });
    const everything = await make(vic, wim);
    const read = async (delegation: string, workflows: string[]) => {
      const answer = await service.call('GET', `/v1/delegations/${delegation}`, undefined, { workflows });
      return [answer.status, answer.body.code];
    };
    expect(await read(id, ['orders'])).toEqual([403, 'workflow_not_allowed']);
    expect(await read(id, ['orders', 'travel'])).toEqual([200, undefined]);
    expect(await read(everything.id, ['orders'])).toEqual([200, undefined]);
  });

  it('to somebody who is deleted at the same moment are refused as unknown', async () => {
    const [uma, von] = [await person('Uma'), await person('Von')];
    await service.rows('BEGIN');
    await service.rows(`SELECT pg_advisory_xact_lock(hashtextextended('delegations ' || $1, 0))`, [
      service.workspaceId,
    ]);
    const asked = post(body(uma, von));
    await service.eventually(
      async () =>
        (await service.rows(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`))[0],
    );
    await service.call('DELETE', `/scim/v2/Users/${von}`);
    await service.rows('COMMIT');
    const answer = await asked;
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_reference']);
  });

  it('are made once for an Idempotency-Key', async () => {
    const [pia, quin] = [await person('Pia'), await person('Quin')];
    const given = body(pia, quin);
    const options = { keyId: v7(), headers: { 'idempotency-key': 'once' } };
    const [first, second] = [await post(given, options), await post(given, options)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  it('move the task of whoever is named, in chains and for their workflows', async () => {
    const [fay, gus, hal] = [await person('Fay'), await person('Gus'), await person('Hal')];
    await make(fay, gus, { workflows: ['orders'] });
    expect(await resolve([fay])).toEqual([['Gus', 'Fay', 'stands in for Fay']]);
    expect(await resolve([fay], { delegations: { workflow: 'travel', forbidden: [] } })).toEqual([
      ['Fay', null, null],
    ]);
    expect(await resolve([fay], { delegations: null })).toEqual([['Fay', null, null]]);
    await make(gus, hal);
    expect(await resolve([fay, gus, hal])).toEqual([
      ['Hal', 'Fay', 'stands in for Fay'],
      ['Hal', 'Gus', 'stands in for Gus'],
      ['Hal', null, null],
    ]);
    expect(await resolve([fay], { delegations: { workflow: 'orders', forbidden: [hal] } })).toEqual([
      ['Gus', 'Fay', 'stands in for Fay'],
    ]);
    await service.call('PUT', `/scim/v2/Users/${hal}`, {
      userName: 'Hal@test',
      displayName: 'Hal',
      active: false,
    });
    expect(await resolve([fay])).toEqual([['Gus', 'Fay', 'stands in for Fay']]);
  });

  it('of hundreds of people take as many statements as of one, for each step of a chain', async () => {
    const made = await service.call<{ Operations: { location: string }[] }>('POST', '/scim/v2/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: Array.from({ length: 120 }, (_, n) => ({
        method: 'POST',
        path: '/Users',
        bulkId: `${n}`,
        data: { userName: `Crowd${n}@test` },
      })),
    });
    const crowd = made.body.Operations.map(({ location }) => location.slice(-36));
    await service.rows(
      `INSERT INTO delegation (workspace_id, id, from_id, to_id, starts_at, ends_at)
       SELECT $1, gen_random_uuid(), a.id, b.id, now() - interval '1 day', now() + interval '1 day'
         FROM unnest($2::uuid[]) WITH ORDINALITY AS a (id, n)
         JOIN unnest($2::uuid[]) WITH ORDINALITY AS b (id, n) ON b.n = a.n + 40`,
      [service.workspaceId, crowd],
    );
    let statements = 0;
    const found = await delegationsAt(
      {
        query: (text, values) => {
          statements++;
          return service.rows(text, [...(values ?? [])]);
        },
      },
      crowd.slice(0, 40),
      new Date(),
    );
    expect(found.size).toBe(120);
    // Three steps: delegations and absences in each.
    expect(statements).toBe(6);
  });

  it('come from being out of office too, and follow every change of the user', async () => {
    const ida = await person('Ida', { externalId: 'ext-ida' });
    const outOfOffice = { from: at(-day), to: at(day), delegate: 'ext-ida' };
    const jim = await person('Jim', { [extension]: { outOfOffice } });
    expect(await resolve([jim])).toEqual([['Ida', 'Jim', 'stands in for Jim']]);
    const put = (absence?: Record<string, unknown>) =>
      service.call('PUT', `/scim/v2/Users/${jim}`, {
        userName: 'Jim@test',
        displayName: 'Jim',
        ...(absence ? { [extension]: { outOfOffice: absence } } : {}),
      });
    await put({ from: at(-day), to: at(day) });
    expect(await resolve([jim])).toEqual([['Jim', null, 'is out of office']]);
    await put({ from: at(day), to: at(2 * day), delegate: ida });
    expect(await resolve([jim])).toEqual([['Jim', null, null]]);
    const joe = await person('Joe');
    await put({ from: at(-day), to: at(day), delegate: 'JOE@test' });
    expect(await resolve([jim])).toEqual([['Joe', 'Jim', 'stands in for Jim']]);
    await service.call('DELETE', `/scim/v2/Users/${joe}`);
    expect(await resolve([jim])).toEqual([['Jim', null, 'whose stand-in JOE@test is not in the directory']]);
    await put();
    expect(await resolve([jim])).toEqual([['Jim', null, null]]);
    // Two who are away and name each other hang nothing.
    await put({ from: at(-day), to: at(day), delegate: ida });
    await service.call('PUT', `/scim/v2/Users/${ida}`, {
      userName: 'Ida@test',
      displayName: 'Ida',
      [extension]: { outOfOffice: { from: at(-day), to: at(day), delegate: jim } },
    });
    expect(await resolve([jim, ida])).toEqual([
      ['Ida', 'Jim', 'stands in for Jim'],
      ['Jim', 'Ida', 'stands in for Ida'],
    ]);
  });

  it('are told to routing when they begin, end and are deleted, with everybody whose chain leads through', async () => {
    const [kim, lea, max] = [await person('Kim'), await person('Lea'), await person('Max')];
    await make(kim, lea);
    expect((await told(kim, 1))[0]?.queues).toEqual(['routing']);
    const { id } = await make(lea, max, { startsAt: at(1_000), endsAt: at(2_000) });
    const [begin, end] = await told(lea, 2);
    expect(begin?.data.people).toEqual(expect.arrayContaining([kim, lea]));
    expect(end?.data.people).toEqual(expect.arrayContaining([kim, lea]));
    expect(Date.parse(end?.occurredAt ?? '') - Date.parse(begin?.occurredAt ?? '')).toBeGreaterThan(500);
    await service.call('DELETE', `/v1/delegations/${id}`);
    const lasting = await make(max, lea, { workflows: ['orders'] });
    await told(max, 1);
    await service.call('DELETE', `/v1/delegations/${lasting.id}`);
    await told(max, 2);
  });

  it('are over, and told so, when somebody in the middle of a chain is deleted', async () => {
    const [ron, sam, tim] = [await person('Ron'), await person('Sam'), await person('Tim')];
    await make(ron, sam);
    await make(sam, tim);
    const outOfOffice = { from: at(-day), to: at(day), delegate: 'SAM@test' };
    const absent = await person('Absent', { [extension]: { outOfOffice } });
    await told(absent, 1);
    const before = (await told(ron, 2)).length;
    const absences = (await told(absent, 1)).length;
    await service.call('DELETE', `/scim/v2/Users/${sam}`);
    await told(ron, before + 1);
    await told(absent, absences + 1);
    expect(await resolve([ron])).toEqual([['Ron', null, null]]);
  });

  it('leave nothing to be told of once they are gone or changed', async () => {
    const [yan, zoe] = [await person('Yan'), await person('Zoe')];
    const awaited = async () =>
      (
        await service.rows<{ due_at: Date }>(
          `SELECT due_at FROM delegation_moment WHERE person_id = $1 AND due_at > now() + interval '1 min'`,
          [yan],
        )
      ).length;
    const { id } = await make(yan, zoe, { startsAt: at(day), endsAt: at(2 * day) });
    expect(await awaited()).toBe(4);
    await service.call('DELETE', `/v1/delegations/${id}`);
    expect(await awaited()).toBe(0);
    for (let n = 2; n < 6; n++) {
      await service.call('PUT', `/scim/v2/Users/${yan}`, {
        userName: 'Yan@test',
        [extension]: { outOfOffice: { from: at(day), to: at(n * day), delegate: zoe } },
      });
    }
    expect(await awaited()).toBe(4);
    await make(yan, zoe, { endsAt: at(9 * day) });
    await service.call('DELETE', `/scim/v2/Users/${yan}`);
    expect(await awaited()).toBe(0);
  });
});
