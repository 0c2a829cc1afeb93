import type { QueueName } from '@countersign/contracts';
import { envelopeOf, ManualClock, MemoryBroker, MemoryOutbox } from '../test/in-memory';
import type { OutgoingMessage } from './message';
import { Relay, type RelayOptions } from './relay';

const start = async (options: Partial<RelayOptions> = {}) => {
  const clock = new ManualClock();
  const outbox = new MemoryOutbox(clock);
  const broker = new MemoryBroker();
  const faults: string[] = [];
  const resent: [QueueName, number][] = [];
  const relay = new Relay(outbox, broker, clock, (what) => faults.push(what), options, {
    resent: (queue, count) => void resent.push([queue, count]),
  });
  relay.start();
  // The first look adopts the broker's epoch.
  await clock.pass(0);
  const commit = (count: number, bytes = 500): OutgoingMessage[] => {
    const messages = Array.from({ length: count }, () => ({
      envelope: envelopeOf(),
      bytes,
      queues: ['notification-webhook'] as const,
    }));
    outbox.commit(messages);
    return messages;
  };
  const acknowledge = (messages: readonly OutgoingMessage[]) =>
    relay.settled(
      messages.map(({ envelope }) => ({ messageId: envelope.id, queue: 'notification-webhook' })),
    );
  return { clock, outbox, broker, relay, faults, resent, commit, acknowledge };
};

const idsOf = (messages: readonly OutgoingMessage[]) => messages.map(({ envelope }) => envelope.id);

describe('the relay', () => {
  it('sends a committed message at once while the destination keeps up', async () => {
    const { clock, broker, relay, commit } = await start();
    const messages = commit(1);
    relay.offer(messages);
    await clock.pass(0);
    expect(broker.sent).toEqual([{ queue: 'notification-webhook', ids: idsOf(messages) }]);
  });

  it('sends to each destination of a message', async () => {
    const { clock, broker, relay, outbox } = await start();
    const message = {
      envelope: envelopeOf(),
      bytes: 500,
      queues: ['intake', 'notification', 'audit'] as const,
    };
    outbox.commit([message]);
    relay.offer([message]);
    await clock.pass(1_000);
    expect(broker.sent.map(({ queue }) => queue).sort()).toEqual(['audit', 'intake', 'notification']);
  });

  it('gathers what nobody waits for into one job, however well the destination keeps up', async () => {
    const { clock, broker, relay, outbox } = await start({ packSize: 3 });
    const offer = () => {
      const message = { envelope: envelopeOf(), bytes: 500, queues: ['audit'] as const };
      outbox.commit([message]);
      relay.offer([message]);
    };
    offer();
    await clock.pass(100);
    offer();
    expect(broker.sent).toEqual([]);
    await clock.pass(101);
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual([2]);
    for (let count = 0; count < 3; count++) offer();
    await clock.pass(0);
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual([2, 3]);
  });

  it('lets a message wait that may, until a more urgent one takes it along', async () => {
    const { clock, broker, relay, outbox } = await start();
    const offer = (patienceMs?: number) => {
      const message = {
        envelope: envelopeOf(),
        bytes: 500,
        queues: ['intake'] as const,
        ...(patienceMs && { patienceMs }),
      };
      outbox.commit([message]);
      relay.offer([message]);
    };
    offer(25);
    await clock.pass(10);
    expect(broker.sent).toEqual([]);
    offer();
    await clock.pass(0);
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual([2]);
    offer(25);
    await clock.pass(26);
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual([2, 1]);
  });

  it('gathers messages for fewer, fuller jobs while jobs are unacknowledged, and sends them when one is', async () => {
    const { clock, broker, relay, commit, acknowledge } = await start({ window: 1, patienceMs: 1_000 });
    const first = commit(1);
    relay.offer(first);
    await clock.pass(0);
    const rest = [commit(1), commit(1), commit(1)];
    for (const messages of rest) relay.offer(messages);
    await clock.pass(10);
    expect(broker.sent).toHaveLength(1);
    await acknowledge(first);
    await clock.pass(0);
    expect(broker.sent[1]?.ids).toEqual(rest.flatMap(idsOf));
  });

  it('sends a full pack although jobs are unacknowledged', async () => {
    const { clock, broker, relay, commit } = await start({ window: 1, packSize: 3, patienceMs: 60_000 });
    relay.offer(commit(1));
    await clock.pass(0);
    relay.offer(commit(3));
    await clock.pass(0);
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual([1, 3]);
  });

  it('bounds a job by the size of its messages, and sends one of any size', async () => {
    const { clock, broker, relay, commit } = await start({ window: 1, packBytes: 1_000, patienceMs: 60_000 });
    relay.offer(commit(1));
    await clock.pass(0);
    relay.offer([...commit(2, 400), ...commit(1, 700), ...commit(1, 5_000), ...commit(1, 300)]);
    await clock.pass(0);
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual([1, 2, 1, 1]);
    await clock.pass(60_000);
    expect(broker.sent.map(({ ids }) => ids.length).slice(0, 5)).toEqual([1, 2, 1, 1, 1]);
  });

  it('takes back from the outbox no more than some full packs at one look, and looks again at once', async () => {
    const { clock, broker, commit, outbox } = await start({ packBytes: 1_000 });
    const looks: number[] = [];
    const claimDue = outbox.claimDue.bind(outbox);
    outbox.claimDue = async (limit, mostBytes) => {
      const claimed = await claimDue(limit, mostBytes);
      if (claimed.length > 0) looks.push(claimed.length);
      return claimed;
    };
    const messages = commit(12, 900);
    await clock.pass(5_500);
    expect(looks).toEqual([6, 6]);
    expect(broker.sent.flatMap(({ ids }) => ids)).toEqual(idsOf(messages));
    expect(broker.sent.map(({ ids }) => ids.length)).toEqual(Array(12).fill(1));
  });

  it('does not let a lost acknowledgement hold messages up', async () => {
    const { clock, broker, relay, commit } = await start({ window: 1, patienceMs: 50 });
    relay.offer(commit(1));
    await clock.pass(0);
    relay.offer(commit(1));
    await clock.pass(51);
    expect(broker.sent).toHaveLength(2);
  });

  it('finds what a crash left between commit and send, once its lease has run out', async () => {
    const { clock, broker, commit } = await start();
    const messages = commit(2);
    await clock.pass(4_000);
    expect(broker.sent).toEqual([]);
    await clock.pass(2_000);
    expect(broker.sent.flatMap(({ ids }) => ids).sort()).toEqual(idsOf(messages).sort());
  });

  it('keeps sending what is not settled: the first time in packs, then each as a job of its own', async () => {
    const { clock, broker, relay, commit } = await start();
    const messages = commit(2);
    relay.offer(messages);
    await clock.pass(6_000);
    expect(broker.sent).toHaveLength(2);
    await clock.pass(60_000);
    expect(broker.resent.length).toBeGreaterThan(0);
    expect(new Set(broker.resent.flatMap(({ ids }) => ids))).toEqual(new Set(idsOf(messages)));
  });

  it('sends nothing again that has been settled', async () => {
    const { clock, broker, relay, outbox, commit, acknowledge } = await start();
    const messages = commit(3);
    relay.offer(messages);
    await clock.pass(10);
    await acknowledge(messages);
    await clock.pass(300_000);
    expect(broker.sent).toHaveLength(1);
    expect(broker.resent).toEqual([]);
    expect(outbox.rows).toEqual([]);
  });

  it('sends everything unsettled again at once when the broker has lost its content', async () => {
    const { clock, broker, relay, commit } = await start();
    const messages = commit(5);
    relay.offer(messages);
    await clock.pass(600);
    broker.currentEpoch = 'second';
    await clock.pass(600);
    expect(
      broker.sent
        .slice(1)
        .flatMap(({ ids }) => ids)
        .sort(),
    ).toEqual(idsOf(messages).sort());
  });

  it('sends everything unsettled again as soon as the broker answers after a send has failed', async () => {
    const { clock, broker, relay, faults, commit } = await start();
    await clock.pass(10);
    broker.failing = true;
    const messages = commit(2);
    relay.offer(messages);
    await clock.pass(700);
    expect(faults).toContain('sending to notification-webhook');
    broker.failing = false;
    await clock.pass(600);
    expect(broker.sent.flatMap(({ ids }) => ids).sort()).toEqual(idsOf(messages).sort());
  });

  it.each([
    ['many messages', 15_000, 500],
    ['large messages', 1_500, 100_000],
  ])(
    'bounds what it holds in memory of %s while the broker hangs, and loses none',
    async (_, count, bytes) => {
      const { clock, broker, relay, outbox, commit, acknowledge } = await start({ packSize: 1_000 });
      await clock.pass(10);
      let open = () => {};
      broker.gate = new Promise((resolve) => (open = () => resolve()));
      const messages = commit(count, bytes);
      relay.offer(messages);
      broker.gate = null;
      open();
      for (let round = 0; round < 20 && outbox.rows.length > 0; round++) {
        await clock.pass(3_000);
        const arrived = new Set([...broker.sent, ...broker.resent].flatMap(({ ids }) => ids));
        await acknowledge(messages.filter(({ envelope }) => arrived.has(envelope.id)));
      }
      expect(outbox.rows).toEqual([]);
    },
  );

  it('sends nothing after it was stopped', async () => {
    const { clock, broker, relay, commit } = await start();
    await relay.stop();
    relay.offer(commit(1));
    await clock.pass(60_000);
    expect(broker.sent).toEqual([]);
  });

  it('tells how many messages it has sent again', async () => {
    const { clock, relay, resent, commit } = await start();
    relay.offer(commit(3));
    await clock.pass(4_000);
    expect(resent).toEqual([]);
    await clock.pass(2_000);
    expect(resent).toEqual([['notification-webhook', 3]]);
  });

  it('is wedged when its poller has not come round for a minute', async () => {
    const { clock, broker, relay } = await start();
    broker.epoch = () => new Promise(() => undefined);
    await clock.pass(59_000);
    expect(relay.isWedged()).toBe(false);
    await clock.pass(3_000);
    expect(relay.isWedged()).toBe(true);
  });

  it('is not wedged while the broker is away, nor when it was stopped', async () => {
    const { clock, broker, relay } = await start();
    broker.failing = true;
    await clock.pass(300_000);
    expect(relay.isWedged()).toBe(false);
    await relay.stop();
    await clock.pass(300_000);
    expect(relay.isWedged()).toBe(false);
  });
});
