import type { ServerResponse } from 'node:http';
import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';
import { json, Resolver } from '../../test/resolver';
import { resolverQuestion } from '../../test/resolver-question';
import { TestService } from '../../test/test-service';
import type { CallRecord } from './resolver-call.store';

describe('the circuit of a host', () => {
  let service: TestService;
  let ann = '';
  const resolvers: Resolver[] = [];

  beforeAll(async () => {
    service = await TestService.start({
      COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8',
      COUNTERSIGN_RESOLVER_RETRY: 'PT0.05S,PT0.1S,PT0.15S',
      COUNTERSIGN_RESOLVER_CIRCUIT: 'PT1S',
    });
    ann = await service.user('ann@test', { displayName: 'Ann' });
  });
  afterAll(async () => {
    await service.stop();
    await Promise.all(resolvers.map((one) => one.close()));
  });

  const start = async (...args: Parameters<typeof Resolver.start>): Promise<Resolver> => {
    const started = await Resolver.start(...args);
    resolvers.push(started);
    return started;
  };
  const ask = async (url: string, times = 1, workspaceId = service.workspaceId) => {
    const asked = Array.from({ length: times }, () =>
      resolverQuestion([{ webhook: { url, format: 'easylife', timeout: 'PT1M' } }]),
    );
    await service.send(
      'approver-resolution',
      ...asked.map((data) => service.envelope('approvers.resolve.v1', data, workspaceId)),
    );
    return asked.map(({ resolutionId }) => resolutionId);
  };
  const answersTo = (ids: readonly string[]): Promise<JobData<'approvers.resolved.v1'>[]> =>
    Promise.all(ids.map((id) => service.resolved(id, 30_000)));
  const evidenceOf = async (resolutionId: string): Promise<CallRecord[]> => {
    const [row] = await service.rows<{ evidence: CallRecord[] }>(
      `SELECT coalesce(c.evidence, r.evidence) AS evidence
         FROM resolution r LEFT JOIN resolver_call c ON c.resolution_id = r.id WHERE r.id = $1`,
      [resolutionId],
    );
    return row?.evidence ?? [];
  };
  const resultsOf = async (resolutionId: string) =>
    (await evidenceOf(resolutionId)).map(({ result }) => result);
  const openCircuits = () => service.metric('countersign_resolver_open_circuits');

  /** Calls that a host fails one after the other until its circuit is open; the last one's resolution waits. */
  const enough = 10;
  const openCircuitOf = async (url: string): Promise<string[]> => {
    const [first] = await ask(url);
    const [second] = await ask(url);
    await answersTo([first ?? '', second ?? '']);
    const [third] = await ask(url);
    await service.eventually(async () => (await resultsOf(third ?? '')).includes('circuit_open'));
    return [first ?? '', second ?? '', third ?? ''];
  };

  it('opens when it fails: one probe goes, the others wait for it, and all get their approvers', async () => {
    const held: ServerResponse[] = [];
    let isWell = false;
    const target = await start((response, nth) => {
      if (isWell) json([ann])(response);
      else if (nth <= enough) response.writeHead(503).end();
      else held.push(response);
    });
    const [, , waiting] = await openCircuitOf(target.url);
    const later = await ask(target.url, 5);
    for (const id of later)
      await service.eventually(async () => (await resultsOf(id)).includes('circuit_open'));
    await service.eventually(async () => held.length === 1);
    expect([target.received.length, await openCircuits()]).toEqual([enough + 1, 1]);

    const workspaceId = v7();
    const [other] = await ask(target.url, 1, workspaceId);
    // It is called at once: what others have suffered does not count.
    await service.eventually(async () => held.length === 2);
    isWell = true;
    for (const response of held) json([ann])(response);
    await service.resolved(other ?? '');
    expect(await resultsOf(other ?? '')).toEqual(['answered']);

    for (const { approvers, note } of await answersTo([waiting ?? '', ...later])) {
      expect([approvers.map(({ person }) => person.id), note]).toEqual([[ann], null]);
    }
    const results = await Promise.all(later.map(resultsOf));
    // One of the six was the probe; nobody called while it was on its way.
    for (const list of results) expect([list[0], list.at(-1)]).toEqual(['circuit_open', 'answered']);
    expect(target.received).toHaveLength(enough + 7);
    expect(await openCircuits()).toBe(0);
  }, 90_000);

  it('stays open while probes fail, and nobody waits longer for it than the patience is', async () => {
    const target = await start((response) => response.writeHead(503).end());
    const before = await openCircuits();
    const ids = await openCircuitOf(target.url);
    expect(await openCircuits()).toBe(before + 1);
    ids.push(...(await ask(target.url, 5)));
    // A minute later, says the evidence.
    await service.eventually(async () => {
      await service.rows(
        `UPDATE resolver_call SET evidence = regexp_replace(evidence::text, '"at":"20..', '"at":"2001', 'g')::json
          WHERE state = 'waiting'`,
      );
      return (await service.rows('SELECT 1 FROM resolver_call')).length === 0;
    }, 60_000);
    for (const { approvers, note } of await answersTo(ids)) {
      expect(approvers).toEqual([]);
      expect(note).toMatch(
        /answered 503\. It was tried|was not called, because calls to its host have failed/,
      );
    }
    const evidence = (await Promise.all(ids.map(evidenceOf))).flat();
    expect(evidence.map(({ result }) => result)).toContain('circuit_still_open');
    // Four tries each, some of them calls.
    const tries = evidence.filter(({ result }) => result !== 'circuit_open');
    expect(tries).toHaveLength(4 * ids.length);
    expect(tries.filter(({ status }) => status === 503)).toHaveLength(target.received.length);
  }, 120_000);

  it.each<[string, (response: ServerResponse) => void]>([
    ['429', (response) => void response.writeHead(429).end()],
    ['404', (response) => void response.writeHead(404).end()],
    ['garbage', (response) => void response.end('not json')],
  ])(
    'stays closed whatever else it answers: %s',
    async (_, reply) => {
      const before = await openCircuits();
      const target = await start(reply);
      const ids = await ask(target.url, 12);
      await answersTo(ids);
      for (const id of ids) expect(await resultsOf(id)).not.toContain('circuit_open');
      expect(await openCircuits()).toBe(before);
    },
    60_000,
  );
});
