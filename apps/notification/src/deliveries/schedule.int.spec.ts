import { until, type TestService } from '@countersign/service-kit/test';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';
import { defaultSchedule, parseSchedule } from './retry-schedule';

let service: TestService;
let receiver: WebhookReceiver;

beforeAll(async () => {
  service = await createNotification();
  receiver = await startReceiver((response, { path }) =>
    response.writeHead(path.endsWith('/bell') ? 204 : 500).end(),
  );
});
afterAll(async () => {
  await receiver.close();
  await service.stop();
});

/** The wait counts from when the attempt is written down. */
const recordedWithinMs = 20_000;

interface Shown {
  state: string;
  nextAttemptAt: string | null;
  attempts: { at: string }[];
}

const subscribe = async (path: string): Promise<string> => {
  const body = { url: receiver.url + path, events: ['request.created'], format: 'standard' };
  return (await service.call('POST', '/v1/webhook-endpoints', body)).body.id as string;
};

describe('the attempts of a delivery that nobody takes', () => {
  it('are made when their time by the default schedule has come, not before, and the tenth is the last', async () => {
    const endpointId = await subscribe('');
    await service.send(new RequestStory(service.workspaceId).created());
    const bell = await subscribe('/bell');
    /** Another delivery is due and made: whatever else was due has been seen by then. */
    const ring = async (): Promise<void> => {
      const { body } = await service.call('POST', `/v1/webhook-endpoints/${bell}/test`);
      await until(async () => (await service.get(`/v1/deliveries/${body.id}`)).body.attempts.length === 1);
    };
    const afterAttempt = (count: number) =>
      until(async () => {
        const { body } = await service.get(`/v1/webhook-endpoints/${endpointId}/deliveries`);
        const shown = body.data[0] as Shown | undefined;
        return shown?.attempts.length === count && shown;
      });
    // The clock of it all is the database's; time goes by when what is due comes nearer.
    const goBy = (ms: number) =>
      service.sql(
        `UPDATE delivery SET due_at = due_at - $2 * interval '1 millisecond' WHERE endpoint_id = $1`,
        [endpointId, ms],
      );
    const calls = () => receiver.calls.filter(({ path }) => !path.endsWith('/bell')).length;
    const waits = parseSchedule(defaultSchedule);
    expect(waits.map((ms) => ms / 60_000)).toEqual([5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]);
    for (const [index, wait] of waits.entries()) {
      const { attempts, nextAttemptAt } = await afterAttempt(index + 1);
      const waited = Date.parse(nextAttemptAt!) - Date.parse(attempts[index]!.at);
      expect([index, waited >= wait * 0.9, waited <= wait * 1.1 + recordedWithinMs]).toEqual([
        index,
        true,
        true,
      ]);
      if (index > 0) {
        await goBy(wait * 0.5);
        await ring();
        expect(calls()).toBe(index + 1);
      }
      await goBy(wait * 0.6 + recordedWithinMs);
      await ring();
    }
    const { state, nextAttemptAt } = await afterAttempt(waits.length + 1);
    expect([state, nextAttemptAt, calls()]).toEqual(['failed', null, waits.length + 1]);
  }, 120_000);
});
