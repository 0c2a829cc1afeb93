import { createHash } from 'node:crypto';
import type { SimulatedEvidence } from '@countersign/workflow';
import { auditEntries, recomputedCommitments, recomputedLeafHash, type AuditEntry } from './audit-log';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type Page } from './http-client';
import { createOrganisation, type Organisation } from './organisation';
import { json, RecordingServer } from './recording-server';
import { decide, submit, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish } from './workflows';

jest.setTimeout(90_000);

interface SimulationAnswer {
  stages: { key: string; evidence: SimulatedEvidence[] }[];
}

interface ResolvedContent {
  stageKey: string;
  stageIndex: number;
  resolutionId: string;
  purpose: string;
  evidence: SimulatedEvidence;
}

let system: TestSystem;
let client: HttpClient;
let people: Organisation;
let erp: RecordingServer;

beforeAll(async () => {
  erp = await RecordingServer.start();
  system = await startTestSystem();
  client = system.admin;
  people = await createOrganisation(client);
  await publish(
    client,
    `key: evident
title: Evident
stages:
  - key: owner
    approvers: [ { webhook: { url: "${erp.url('/approvers?token=hidden')}" } }, { group: finance } ]
  - key: manager
    approvers: [ { matrix: [ { when: "false", to: [ { user: nobody } ] }, { when: "true", to: [ { manager: { levels: 2 } } ] } ] } ]
`,
  );
});

afterAll(async () => {
  await system?.stop();
  await erp?.stop();
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const payload = { title: 'overwritten', amount: 1200.5, 7: 'seven', owner: { name: 'Zoë' } };
const sealedIn = (entry: AuditEntry | undefined, kind: string) =>
  entry?.sealed.filter((item) => item.kind === kind) ?? [];

describe('what an answer about approvers rests on', () => {
  it('is kept in the trail, which an auditor can check, and shown by simulations and the timeline', async () => {
    const simulated = expectStatus(
      await client.post<SimulationAnswer>('/v1/workflows/evident/simulate', {
        requester: 'alice@example.com',
        payload,
      }),
      200,
    );
    expect(erp.to('/approvers?token=hidden')).toEqual([]);
    const answer = JSON.stringify(['bob@example.com', 'Somebody Else']);
    erp.behave('/approvers?token=hidden', (_, nth) =>
      nth === 1 ? { status: 503, body: 'busy' } : { ...json(null), body: answer },
    );

    const request = await submit(client, { workflow: 'evident', payload, reason: 'Because' });
    const [task] = await untilTasks(client, request.id, 4);
    if (!task) throw new Error('no task');
    expectStatus(await decide(client, task, 'approve'), 200);
    await untilTasks(client, request.id, 1);
    const entries = await eventually('both answers are in the log', async () => {
      const all = await auditEntries(client, `&requestId=${request.id}`);
      return all.filter(({ type }) => type === 'stage.resolved').length === 2 ? all : null;
    });

    // The log holds, and nothing of it names anybody.
    for (const entry of entries) {
      expect(recomputedLeafHash(entry)).toBe(entry.leafHash);
      expect(recomputedCommitments(entry)).toEqual(entry.sealed.map(({ commitment }) => commitment));
    }
    const [owner, manager] = entries.filter(({ type }) => type === 'stage.resolved');
    const said = owner?.content as ResolvedContent;
    expect(JSON.stringify(said)).not.toMatch(/example\.com|Somebody|127\.0\.0\.1|hidden|token/);
    expect(sealedIn(owner, 'url').map(({ subject, data }) => [subject, data])).toEqual([
      [people.alice.id, erp.url('/approvers')],
    ]);
    expect(sealedIn(owner, 'answered').map(({ subject, data }) => [subject, data])).toEqual([
      [people.alice.id, ['bob@example.com', 'Somebody Else']],
    ]);
    expect(JSON.stringify(sealedIn(owner, 'leftOut'))).toContain('Somebody Else');

    // Who was named by what, in which directory, and every call.
    const calls = erp.to('/approvers?token=hidden');
    const members = [people.carol.id, people.dave.id, people.erin.id].sort();
    const group = {
      rule: 'approvers.1',
      kind: 'group',
      refs: 1,
      named: 3,
      people: members,
      groups: [{ id: people.finance.id, version: 1 }],
    };
    const requestHash = sha256(calls[0]?.text ?? '');
    const common = { at: expect.any(String) as string, latencyMs: expect.any(Number) as number };
    expect(said.evidence.sources).toEqual([
      {
        rule: 'approvers.0',
        kind: 'webhook',
        refs: 2,
        named: 1,
        people: [people.bob.id],
        webhook: {
          format: 'easylife',
          calls: [
            { ...common, attempt: 1, status: 503, result: 'answered' },
            { ...common, attempt: 2, status: 200, result: 'answered' },
          ],
        },
      },
      group,
    ]);
    expect(sealedIn(owner, 'hashes').map(({ subject, data }) => [subject, data])).toEqual(
      ['busy', answer].map((body, n) => [
        sealedIn(owner, 'url')[0]?.subject,
        { attempt: n + 1, requestHash, answerHash: sha256(body) },
      ]),
    );
    expect(said.evidence.directoryVersion).toBeGreaterThan(0);

    // The trail alone is enough to tell what was sent.
    const created = entries.find(({ type }) => type === 'request.created');
    const [words] = sealedIn(created, 'request');
    const [sealedPayload] = sealedIn(created, 'payload');
    const [requester] = sealedIn(created, 'person');
    const { title, reason } = words?.data as { title: string; reason: string };
    const requestorId = (requester?.data as { externalId: string | null }).externalId ?? requester?.subject;
    const sent = {
      ...(sealedPayload?.data as object),
      title,
      reason,
      requestorId,
      participants: [requestorId],
      stage: said.stageIndex,
      totalStages: 2,
      state: 1,
      Key: said.resolutionId,
      TenantId: request.workspaceId,
    };
    expect(sha256(JSON.stringify(sent))).toBe(requestHash);

    // A simulation rests on the same, but for what only a webhook can say.
    const [first, second] = simulated.stages.map(({ evidence }) => evidence);
    expect(first).toEqual([
      {
        purpose: 'start',
        directoryVersion: said.evidence.directoryVersion,
        at: expect.any(String) as string,
        sources: [
          {
            rule: 'approvers.0',
            kind: 'webhook',
            refs: 0,
            named: null,
            people: [],
            webhook: { url: erp.url('/approvers'), format: 'easylife', answered: null, calls: [] },
          },
          group,
        ],
      },
    ]);
    const real = (manager?.content as ResolvedContent).evidence;
    expect(real.sources).toEqual([
      {
        rule: 'approvers.0.matrix.1.to.0',
        kind: 'levels',
        refs: 1,
        named: 1,
        people: [people.bob.id],
        of: [people.alice.id],
        levels: 2,
      },
    ]);
    expect(second).toEqual([{ ...real, purpose: 'start', at: expect.any(String) as string }]);

    const timeline = expectStatus(
      await client.get<Page<{ type: string; detail: ResolvedContent }>>(
        `/v1/requests/${request.id}/timeline`,
      ),
      200,
    );
    const shown = timeline.data.filter(({ type }) => type === 'stage.resolved');
    expect(shown.map(({ detail }) => detail.stageKey)).toEqual(['owner']);
    expect(shown[0]?.detail.evidence.sources[0]?.webhook).toMatchObject({
      url: erp.url('/approvers'),
      answered: ['bob@example.com', 'Somebody Else'],
      calls: [{ status: 503 }, { status: 200 }],
    });
  });
});
