import type { Envelope, JobType } from '@countersign/contracts';
import { isDeadlock, isTransientFault } from '@countersign/persistence';
import { v7 } from 'uuid';
import { envelopeOf, ManualClock, MemoryBroker, MemoryDatabase } from '../test/in-memory';
import { Acknowledger } from './acknowledger';
import { NotYet, PoisonMessage, Postpone } from './failures';
import type { FaultyMessage } from './fault';
import type { Message } from './message';
import type { MessagingObserver, Outcome } from './observer';
import { PackProcessor } from './pack-processor';

const queue = 'notification-webhook';
const once = { made: 0, allowed: 3 };
const last = { made: 2, allowed: 3 };

const start = (handle?: (message: Message) => void) => {
  const clock = new ManualClock();
  const database = new MemoryDatabase();
  const broker = new MemoryBroker();
  const handled: [JobType | null, Outcome, number][] = [];
  const running: string[] = [];
  const faults: { what: string; message?: FaultyMessage }[] = [];
  const observer: MessagingObserver = {
    handled: (_queue, type, outcome, count) => void handled.push([type, outcome, count]),
    handling: (_queue, type, count) => {
      running.push(`${type} of ${count} starts`);
      return () => void running.push(`${type} of ${count} ends`);
    },
    resent: () => undefined,
  };
  const acknowledger = new Acknowledger(broker, clock, () => undefined);
  const processor = new PackProcessor({
    unitOfWork: database.unitOfWork,
    inbox: database,
    broker,
    acknowledger,
    clock,
    isTransientFault,
    isDeadlock,
    onFault: (what, _error, message) => void faults.push({ what, message }),
    observer,
    handlerOf: () => async (messages) => {
      for (const message of messages) {
        handle?.(message);
        database.effects.push(message.id);
      }
    },
  });
  const acknowledged = async () => {
    await clock.pass(20);
    return broker.acknowledged
      .flatMap(({ settlements }) => settlements.map(({ messageId }) => messageId))
      .sort();
  };
  return { database, broker, processor, acknowledged, handled, running, faults };
};

const ids = (envelopes: readonly Envelope[]) => envelopes.map(({ id }) => id);

describe('a pack', () => {
  it('is handled in one transaction and acknowledged to its senders', async () => {
    const { database, processor, acknowledged } = start();
    const pack = [envelopeOf(), envelopeOf(), envelopeOf()];
    await processor.process(queue, pack, once);
    expect(database.effects).toEqual(ids(pack));
    expect(await acknowledged()).toEqual(ids(pack).sort());
  });

  it('does nothing twice, and acknowledges a repeated message again', async () => {
    const { database, broker, processor, acknowledged } = start();
    const [a, b] = [envelopeOf(), envelopeOf()];
    await processor.process(queue, [a, b], once);
    await processor.process(queue, [b, a, a], once);
    expect(database.effects).toEqual([a.id, b.id]);
    await acknowledged();
    expect(
      broker.acknowledged
        .flatMap(({ settlements }) => settlements)
        .filter(({ messageId }) => messageId === a.id).length,
    ).toBeGreaterThan(1);
  });

  it('undoes what was done with a message that the inbox knows, and does the others again', async () => {
    const { database, processor } = start();
    const [known, fresh] = [envelopeOf(), envelopeOf()];
    await processor.process(queue, [known], once);
    await processor.process(queue, [known, fresh], once);
    expect(database.effects).toEqual([known.id, fresh.id]);
  });

  it('acknowledges a message that the inbox knows even when it could not be handled again', async () => {
    let isGone = false;
    const { database, processor, acknowledged } = start(() => {
      if (isGone) throw new Error('no such thing any more');
    });
    const message = envelopeOf();
    await processor.process(queue, [message], once);
    isGone = true;
    await processor.process(queue, [message], last);
    expect([database.effects, database.letters]).toEqual([[message.id], []]);
    expect(await acknowledged()).toEqual([message.id, message.id]);
  });

  it('never fails as a whole: what succeeds commits, what fails goes on alone', async () => {
    const bad = envelopeOf();
    const { database, broker, processor, acknowledged } = start((message) => {
      if (message.id === bad.id) throw new Error('no');
    });
    const good = [envelopeOf(), envelopeOf()];
    await processor.process(queue, [good[0], bad, good[1]], once);
    expect(database.effects.sort()).toEqual(ids(good).sort());
    expect(broker.alone).toEqual([{ queue, id: bad.id }]);
    expect(await acknowledged()).toEqual(ids(good).sort());
  });

  it('is postponed as a whole when the database is away, and nothing counts as a try', async () => {
    const { database, broker, processor } = start();
    database.away = true;
    await expect(processor.process(queue, [envelopeOf(), envelopeOf()], last)).rejects.toBeInstanceOf(
      Postpone,
    );
    expect(broker.alone).toEqual([]);
    expect(database.letters).toEqual([]);
  });
});

describe('a message alone', () => {
  const failing = (error: Error) =>
    start(() => {
      throw error;
    });

  it('is retried while tries are left', async () => {
    const { database, processor, acknowledged } = failing(new Error('no'));
    await expect(processor.process(queue, [envelopeOf()], once)).rejects.toThrow('no');
    expect(database.letters).toEqual([]);
    expect(await acknowledged()).toEqual([]);
  });

  it('becomes a dead letter after its last try, and is settled by it', async () => {
    const { database, processor, acknowledged } = failing(new Error('no'));
    const message = envelopeOf();
    await processor.process(queue, [message], last);
    expect(database.letters).toMatchObject([{ queue, letter: { attempts: 3, error: 'Error: no' } }]);
    expect(await acknowledged()).toEqual([message.id]);
  });

  it('becomes a dead letter at once when it is poison', async () => {
    const { database, processor } = failing(new PoisonMessage('never'));
    await processor.process(queue, [envelopeOf()], once);
    expect(database.letters).toHaveLength(1);
  });

  it('stays with its sender when what it needs has not arrived: no dead letter, no acknowledgement', async () => {
    const { database, processor, acknowledged } = failing(new NotYet('later'));
    await expect(processor.process(queue, [envelopeOf()], once)).rejects.toBeInstanceOf(NotYet);
    await processor.process(queue, [envelopeOf()], last);
    expect(database.letters).toEqual([]);
    expect(await acknowledged()).toEqual([]);
  });
});

describe('a job that workers die of', () => {
  const deadly = { made: 0, allowed: 3, stalls: 6 };

  it('is taken apart when it is a pack', async () => {
    const { database, broker, processor } = start();
    const pack = [envelopeOf(), envelopeOf()];
    await processor.process(queue, pack, deadly);
    expect(broker.alone.map(({ id }) => id)).toEqual(ids(pack));
    expect(database.effects).toEqual([]);
  });

  it('becomes a dead letter when it is a single message', async () => {
    const { database, processor } = start();
    await processor.process(queue, [envelopeOf()], deadly);
    expect(database.letters).toHaveLength(1);
    expect(database.effects).toEqual([]);
  });
});

describe('the victim of a deadlock', () => {
  it('goes again at once, all messages together', async () => {
    let victims = 2;
    const { database, broker, processor } = start(() => {
      if (victims-- > 0) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    });
    const pack = [envelopeOf(), envelopeOf()];
    await processor.process(queue, pack, once);
    expect(database.effects).toEqual(ids(pack));
    expect(broker.alone).toEqual([]);
  });
});

describe('what is no message', () => {
  it.each([
    ['garbage', 'garbage'],
    ['null', null],
    ['a number', 7],
    ['an empty object', {}],
    ['an envelope without data', { ...envelopeOf(), data: undefined }],
    ['an envelope of a job that does not exist', envelopeOf({ type: 'nonsense.v1' })],
    ['data that does not fit its contract', envelopeOf({ data: { deliveryId: 'x', attempt: 'y' } })],
    ['a workspace that is no id', envelopeOf({ workspaceId: "'; drop table request; --" })],
    [
      'a message older than the inbox remembers',
      envelopeOf({ id: v7({ msecs: Date.now() - 40 * 86_400_000 }) }),
    ],
  ])('becomes a dead letter without stopping the pack: %s', async (_what, parcel) => {
    const { database, processor } = start();
    const good = envelopeOf();
    await processor.process(queue, [parcel, good], once);
    expect(database.effects).toEqual([good.id]);
    expect(database.letters).toHaveLength(1);
  });

  it('is acknowledged when at least its address can be read, so that its sender forgets it', async () => {
    const { processor, acknowledged } = start();
    const message = envelopeOf({ data: { deliveryId: 'x', attempt: 1 } });
    await processor.process(queue, [message], once);
    expect(await acknowledged()).toEqual([message.id]);
  });
});

describe('what is told of messages', () => {
  const type = 'delivery.attempt.v1';

  it('counts a pack by what became of each message', async () => {
    const bad = envelopeOf();
    const { processor, handled } = start((message) => {
      if (message.id === bad.id) throw new Error('no');
    });
    const known = envelopeOf();
    await processor.process(queue, [known], once);
    await processor.process(queue, [envelopeOf(), known, envelopeOf()], once);
    await processor.process(queue, [envelopeOf(), bad], once);
    await processor.process(queue, [bad], last);
    await processor.process(queue, ['garbage'], once);
    expect(handled).toEqual([
      [type, 'done', 1],
      [type, 'done', 2],
      [type, 'repeated', 1],
      [type, 'done', 1],
      [type, 'retried', 1],
      [type, 'dead', 1],
      [null, 'dead', 1],
    ]);
  });

  it('counts each try of a message that is tried again, and what is postponed while the database is away', async () => {
    const { database, processor, handled } = start(() => {
      throw new Error('no');
    });
    await expect(processor.process(queue, [envelopeOf()], once)).rejects.toThrow('no');
    database.away = true;
    await expect(processor.process(queue, [envelopeOf()], once)).rejects.toBeInstanceOf(Postpone);
    await expect(processor.process(queue, [envelopeOf(), envelopeOf()], once)).rejects.toBeInstanceOf(
      Postpone,
    );
    expect(handled).toEqual([
      [type, 'retried', 1],
      [type, 'postponed', 1],
      [type, 'postponed', 2],
    ]);
  });

  it('counts of a pack that falls apart only those as postponed that the database was away for', async () => {
    let tries = 0;
    const { database, processor, handled } = start(() => {
      tries++;
      if (tries === 1) throw new Error('no');
      if (tries === 3) {
        database.away = true;
        throw Object.assign(new Error('database away'), { code: 'ECONNREFUSED' });
      }
    });
    const pack = [envelopeOf(), envelopeOf(), envelopeOf()];
    await expect(processor.process(queue, pack, once)).rejects.toBeInstanceOf(Postpone);
    expect(handled).toEqual([
      [type, 'done', 1],
      [type, 'postponed', 2],
    ]);
  });

  it('says when a handler starts and when it ends, also when it fails', async () => {
    let fails = false;
    const { processor, running } = start(() => {
      if (fails) throw new Error('no');
    });
    await processor.process(queue, [envelopeOf(), envelopeOf()], once);
    fails = true;
    await processor.process(queue, [envelopeOf()], last);
    expect(running).toEqual([
      `${type} of 2 starts`,
      `${type} of 2 ends`,
      `${type} of 1 starts`,
      `${type} of 1 ends`,
    ]);
  });

  it('names the message and its trace in a fault, and nothing of its data', async () => {
    const { processor, faults } = start(() => {
      throw new Error('no');
    });
    const message = envelopeOf({
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      data: { deliveryId: v7(), attempt: 1 },
    });
    await processor.process(queue, [message], last);
    const told = {
      messageId: message.id,
      type,
      workspaceId: message.workspaceId,
      correlationId: message.correlationId,
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    };
    expect(faults).toEqual([
      { what: `handling ${type} ${message.id}, try 3 of 3`, message: told },
      { what: `dead letter ${message.id} on ${queue}`, message: told },
    ]);
  });

  it('repeats nothing of what nobody has checked', async () => {
    const { processor, faults } = start();
    const message = envelopeOf({ type: 'a secret', correlationId: 'a secret', traceparent: 'a secret' });
    await processor.process(queue, [message], once);
    expect(faults).toEqual([
      {
        what: `dead letter ${message.id} on ${queue}`,
        message: {
          messageId: message.id,
          type: null,
          workspaceId: message.workspaceId,
          correlationId: null,
          traceId: null,
        },
      },
    ]);
  });
});
