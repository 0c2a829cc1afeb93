import { gzipSync } from 'node:zlib';
import { createIntake, type Intake } from './create-intake';

let intake: Intake;

beforeAll(async () => {
  intake = await createIntake();
  await intake.call('POST', '/v1/workflows', {
    key: 'theirs',
    stages: [{ key: 'first', approvers: [{ user: 'bob@test' }] }],
  });
  await intake.call('POST', '/v1/workflows/theirs/versions/1/publish', {});
  await intake.meet('alice@test');
});
afterAll(() => intake?.stop());

const request = { workflow: 'theirs', title: 'A title', requester: 'alice@test', payload: {} };

describe('a key that is limited to workflows', () => {
  it.each([
    ['POST', (key: string) => `/v1/requests#${key}`],
    ['POST', (key: string) => `/v1/workflows/${key}/simulate`],
    ['GET', (key: string) => `/v1/workflows/${key}`],
    ['GET', (key: string) => `/v1/workflows/${key}/versions`],
    ['GET', (key: string) => `/v1/workflows/${key}/versions/1`],
    ['GET', (key: string) => `/v1/workflows/${key}/diff?from=1&to=1`],
    ['GET', (key: string) => `/v1/workflows/export?key=${key}`],
    ['POST', (key: string) => `/v1/workflows/${key}/versions/1/publish`],
    ['POST', (key: string) => `/v1/workflows/${key}/versions/1/replay`],
  ])('cannot tell another workflow from none at all: %s %#', async (method, pathOf) => {
    for (const key of ['theirs', 'nothing']) {
      const [path = ''] = pathOf(key).split('#');
      const body =
        method === 'GET' ? undefined : path === '/v1/requests' ? { ...request, workflow: key } : {};
      const answer = await intake.call(method, path, body, { workflows: ['mine'] });
      expect([key, answer.status, answer.body.code]).toEqual([key, 403, 'workflow_not_allowed']);
    }
  });
});

describe('a body', () => {
  it('may not be compressed', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await intake.call('POST', '/v1/requests', gzipSync(JSON.stringify(request)), { headers });
    expect(answer.body).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it('is told once for each member what it lacks', async () => {
    const empty = await intake.call('POST', '/v1/requests', {});
    expect(empty.body.errors).toEqual(
      ['workflow', 'title', 'requester', 'payload'].map((member) => ({
        pointer: `/${member}`,
        message: expect.stringMatching(/ is required\.$/),
      })),
    );
  });

  it.each(['', '  ', ' \n\t'])('has no title in %j', async (title) => {
    const answer = await intake.call('POST', '/v1/requests', { ...request, title });
    expect(answer.body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect(answer.body.errors).toMatchObject([{ pointer: '/title' }]);
    const { body } = await intake.call('POST', '/v1/requests', { ...request, draft: true });
    const revised = await intake.call('PATCH', `/v1/requests/${body.id}`, { title });
    expect(revised.body).toMatchObject({ status: 400, errors: [{ pointer: '/title' }] });
  });
});
