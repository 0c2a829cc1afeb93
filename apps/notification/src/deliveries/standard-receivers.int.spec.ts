import { createPublicKey, verify } from 'node:crypto';
import { until, type TestService } from '@countersign/service-kit/test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { createNotification } from '../../test/create-notification';
import { endRotations } from '../../test/end-rotations';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type ReceivedCall, type WebhookReceiver } from '../../test/webhook-receiver';

/**
 * Receivers that others wrote, behind a real server: what they do not accept they answer with 401, and the delivery fails.
 * Both packages know `v1` only; for `v1a` a receiver of the specification's own words stands in.
 */
type Receive = (key: string, call: ReceivedCall) => unknown;

const packages: [name: string, receive: Receive][] = [
  ['standardwebhooks', (key, { text, headers }) => new StandardWebhook(key).verify(text, flat(headers))],
  ['svix', (key, { text, headers }) => new SvixWebhook(key).verify(text, flat(headers))],
];

const flat = (headers: ReceivedCall['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const byPublicKey: Receive = (key, { text, headers }) => {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures } = flat(headers);
  const x = Buffer.from(key.replace('whpk_', ''), 'base64').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const isGenuine = signatures!
    .split(' ')
    .map((one) => one.split(','))
    .some(
      ([version, base64]) =>
        version === 'v1a' &&
        verify(null, Buffer.from(`${id}.${at}.${text}`), publicKey, Buffer.from(base64!, 'base64')),
    );
  if (!isGenuine) throw new Error('no matching signature');
  return JSON.parse(text);
};

let service: TestService;
let receiver: WebhookReceiver;
let receive: (call: ReceivedCall) => unknown;
const accepted: unknown[] = [];

beforeAll(async () => {
  service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT1H' });
  receiver = await startReceiver((response, call) => {
    try {
      accepted.push(receive(call));
      response.writeHead(204).end();
    } catch {
      response.writeHead(401).end();
    }
  });
});
afterAll(async () => {
  await receiver.close();
  await service.stop();
});
afterEach(async () => {
  accepted.splice(0);
  receiver.calls.splice(0);
  const { body } = await service.get('/v1/webhook-endpoints');
  for (const { id } of body.data) await service.call('DELETE', `/v1/webhook-endpoints/${id}`);
});

interface Endpoint {
  id: string;
  secret: string;
  publicKey: string;
}

const subscribe = async (more: object = {}): Promise<Endpoint> => {
  const body = { url: receiver.url, events: ['request.created'], format: 'standard', ...more };
  return (await service.call('POST', '/v1/webhook-endpoints', body)).body as Endpoint;
};
const rotate = async ({ id }: Endpoint): Promise<Endpoint> =>
  (await service.call('POST', `/v1/webhook-endpoints/${id}/rotate-secret`)).body as Endpoint;

/** Sends an event; the status that its one attempt was answered with. */
const statusOfNext = async ({ id }: Endpoint): Promise<number> => {
  const story = new RequestStory(service.workspaceId);
  await service.send(story.created());
  const { attempts } = await until(async () => {
    const { body } = await service.get(
      `/v1/webhook-endpoints/${id}/deliveries?requestId=${story.request.id}`,
    );
    return body.data[0]?.attempts.length === 1 && body.data[0];
  });
  return attempts[0].status as number;
};

describe.each(packages)('a receiver that verifies by the package %s', (_, verifyBy) => {
  it.each(['standard', 'easylife'])('accepts what comes in %s format, by its secret only', async (format) => {
    const [endpoint, other] = [await subscribe({ format }), await subscribe({ events: ['task.decided'] })];
    receive = (call) => verifyBy(endpoint.secret, call);
    expect(await statusOfNext(endpoint)).toBe(204);
    expect(accepted).toEqual([JSON.parse(receiver.calls[0]!.text)]);
    receive = (call) => verifyBy(other.secret, call);
    expect(await statusOfNext(endpoint)).toBe(401);
  });

  it('accepts by the new secret and by the old one during a rotation, and then by the new one only', async () => {
    const endpoint = await subscribe();
    const { secret } = await rotate(endpoint);
    for (const key of [endpoint.secret, secret]) {
      receive = (call) => verifyBy(key, call);
      expect(await statusOfNext(endpoint)).toBe(204);
    }
    await endRotations(service, endpoint.id);
    expect(await statusOfNext(endpoint)).toBe(204);
    receive = (call) => verifyBy(endpoint.secret, call);
    expect(await statusOfNext(endpoint)).toBe(401);
  });

  it('goes on accepting by its secret when the endpoint turns to Ed25519, until the rotation is over', async () => {
    const endpoint = await subscribe();
    const { body } = await service.call('PATCH', `/v1/webhook-endpoints/${endpoint.id}`, {
      signing: 'ed25519',
    });
    receive = (call) => verifyBy(endpoint.secret, call);
    expect(await statusOfNext(endpoint)).toBe(204);
    await endRotations(service, endpoint.id);
    expect(await statusOfNext(endpoint)).toBe(401);
    receive = (call) => byPublicKey(body.publicKey, call);
    expect(await statusOfNext(endpoint)).toBe(204);
  });
});

describe('a receiver that verifies by the public key of the endpoint', () => {
  it('accepts by the new key and by the old one during a rotation, and then by the new one only', async () => {
    const endpoint = await subscribe({ signing: 'ed25519' });
    const { publicKey } = await rotate(endpoint);
    for (const key of [endpoint.publicKey, publicKey]) {
      receive = (call) => byPublicKey(key, call);
      expect(await statusOfNext(endpoint)).toBe(204);
    }
    await endRotations(service, endpoint.id);
    expect(await statusOfNext(endpoint)).toBe(204);
    receive = (call) => byPublicKey(endpoint.publicKey, call);
    expect(await statusOfNext(endpoint)).toBe(401);
  });
});
