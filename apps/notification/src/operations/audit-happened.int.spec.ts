import { until, type TestService } from '@countersign/service-kit/test';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';
import { eventCatalogue } from '../events/event-catalogue';
import { exampleAuditData } from '../events/example-operation';

let service: TestService;
const receivers: WebhookReceiver[] = [];
beforeAll(async () => {
  service = await createNotification();
}, 60_000);
afterAll(async () => {
  await service.stop();
  await Promise.all(receivers.map((receiver) => receiver.close()));
}, 30_000);

const subscribe = async (more: object): Promise<WebhookReceiver> => {
  const receiver = await startReceiver();
  receivers.push(receiver);
  const body = { url: receiver.url, format: 'standard', ...more };
  expect((await service.call('POST', '/v1/webhook-endpoints', body)).status).toBe(201);
  return receiver;
};

describe('audit.tampered', () => {
  it('goes to the endpoints that name it, and to no others', async () => {
    const named = await subscribe({ events: ['audit.tampered'] });
    const family = await subscribe({ events: ['audit.*', 'request.*'] });
    const others = [
      await subscribe({ events: ['*'] }),
      await subscribe({ events: ['endpoint.*'] }),
      await subscribe({ events: ['audit.*'], workflows: ['travel'] }),
    ];
    const id = v7();
    await service.tell('audit.happened.v1', {
      id,
      type: 'audit.tampered',
      at: '2026-11-21T09:00:00.000Z',
      shown: exampleAuditData['audit.tampered'],
    });
    await until(() => named.calls.length > 0 && family.calls.length > 0);
    const entry = eventCatalogue().find(({ type }) => type === 'audit.tampered')!;
    const ajv = addFormats(new Ajv2020({ strict: false }));
    for (const receiver of [named, family]) {
      const [call] = receiver.calls;
      expect(call!.headers['webhook-id']).toBe(id);
      const event: unknown = JSON.parse(call!.text);
      expect(event).toEqual({
        type: 'audit.tampered',
        timestamp: '2026-11-21T09:00:00.000Z',
        data: exampleAuditData['audit.tampered'],
      });
      expect(ajv.validate(entry.schema, event)).toBe(true);
    }
    const rows = await service.sql('SELECT endpoint_id FROM delivery WHERE event_id = $1', [id]);
    expect(rows).toHaveLength(2);
    expect(others.flatMap(({ calls }) => calls)).toEqual([]);
  });
});
