import { CallPool, type CallPoolLimits, type PooledCall } from './call-pool';

const limits: CallPoolLimits = {
  inFlight: 6,
  inFlightPerKey: 4,
  waiting: 20,
  waitingPerKey: 5,
  bytes: 1_000,
};

interface Started {
  key: string;
  end(isWell?: boolean): Promise<void>;
  signal: AbortSignal;
}

const setUp = (changes: Partial<CallPoolLimits> = {}) => {
  const pool = new CallPool({ ...limits, ...changes });
  const started: Started[] = [];
  const dropped: string[] = [];
  const offer = (key: string, more: Partial<PooledCall> = {}) =>
    pool.offer({
      key,
      bytes: 1,
      startBefore: Date.now() + 1_000,
      run: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(false));
          started.push({
            key,
            signal,
            end: async (isWell = true) => {
              resolve(isWell);
              await new Promise((turn) => setImmediate(turn));
            },
          });
        }),
      drop: () => dropped.push(key),
      ...more,
    });
  return { pool, started, dropped, offer };
};

const keys = (started: Started[]) => started.map(({ key }) => key).join('');

describe('the pool of outside calls', () => {
  it('gives a place that hangs its share and no more, and the others theirs', () => {
    const { started, offer } = setUp();
    for (let call = 0; call < 8; call++) offer('a');
    offer('b');
    offer('c');
    expect(keys(started)).toBe('aaaabc');
  });

  it('takes places in turn when slots become free', async () => {
    const { started, offer } = setUp({ inFlight: 1 });
    for (const key of ['a', 'a', 'a', 'b', 'c']) offer(key);
    for (let call = 0; call < 4; call++) await started[call]?.end();
    expect(keys(started)).toBe('aabca');
  });

  it('refuses what is beyond its bounds: of a place, of all, of memory', () => {
    const { pool, offer } = setUp({ waiting: 8 });
    const answers = Array.from({ length: 12 }, () => offer('a'));
    expect(answers.filter(Boolean)).toHaveLength(4 + 5);
    expect(pool.fullKeys()).toEqual(['a']);
    // The pool is full then, but for the few that every place may always have waiting.
    expect(Array.from({ length: 10 }, () => offer('b')).filter(Boolean)).toHaveLength(2 + 4);
    expect(offer('c')).toBe(true);
    const small = setUp();
    expect([small.offer('a', { bytes: 5_000 }), small.offer('b')]).toEqual([true, false]);
  });

  it('says beforehand how many more it would take', async () => {
    const { pool, started, offer } = setUp({ waiting: 8 });
    // The few in flight come on top of those that wait.
    expect([pool.roomFor('a'), pool.roomFor('b')]).toEqual([5, 5]);
    for (let call = 0; call < 6; call++) offer('a');
    expect([pool.roomFor('a'), pool.roomFor('b')]).toEqual([3, 5]);
    while (pool.roomFor('a') > 0) expect(offer('a')).toBe(true);
    expect(offer('a')).toBe(false);
    const crowded = setUp();
    crowded.offer('a', { bytes: 500 });
    expect(crowded.pool.roomFor('b')).toBe(0);
    for (const call of started) await call.end();
    await pool.stop(0);
    expect(pool.roomFor('b')).toBe(0);
  });

  it('calls a failing place one at a time, until it is well again', async () => {
    const { started, offer } = setUp({ inFlight: 100 });
    for (let call = 0; call < 4; call++) offer('a');
    for (const call of [...started]) await call.end(false);
    for (let call = 0; call < 5; call++) offer('a');
    expect(started).toHaveLength(4 + 1);
    await started[4]?.end(true);
    expect(started).toHaveLength(4 + 1 + 2);
  });

  it('lets less wait for a failing place than for a well one', async () => {
    const { started, offer } = setUp({ waiting: 1_000, waitingPerKey: 500 });
    for (let call = 0; call < 4; call++) offer('a');
    for (const call of [...started]) await call.end(false);
    expect(Array.from({ length: 100 }, () => offer('a')).filter(Boolean)).toHaveLength(1 + 10);
    expect(Array.from({ length: 100 }, () => offer('b')).filter(Boolean)).toHaveLength(100);
  });

  it('drops what would start too late', async () => {
    const { started, dropped, offer } = setUp({ inFlight: 1 });
    offer('a');
    offer('b', { startBefore: Date.now() - 1 });
    await started[0]?.end();
    expect([keys(started), dropped]).toEqual(['a', ['b']]);
  });

  it('leaves slots to places that are well, however many fail, and one of these its turn', async () => {
    const { started, offer } = setUp();
    for (const key of 'abcdef') offer(key);
    for (const call of [...started]) await call.end(false);
    started.splice(0);
    for (const key of 'abcdef') offer(key);
    expect(keys(started)).toBe('abc');
    for (const key of 'xyz') offer(key);
    expect(keys(started)).toBe('abcxyz');
    for (const key of 'uvw') offer(key);
    await started[0]?.end(false);
    await started[3]?.end();
    expect(keys(started).slice(6).split('').sort().join('')).toBe('du');
  });

  it('keeps memory for others when what waits for one place is large', () => {
    const { pool, offer } = setUp({ waiting: 100, waitingPerKey: 50 });
    const large = (key: string) => offer(key, { bytes: 200 });
    expect([large('a'), large('a'), large('b')]).toEqual([true, false, true]);
    expect(offer('a', { bytes: 50 })).toBe(true);
    expect([pool.roomFor('a'), pool.fullKeys()]).toEqual([0, ['a']]);
  });

  it('takes no turn from a place for what it drops', async () => {
    const { started, dropped, offer } = setUp({ inFlight: 1 });
    offer('a');
    for (let call = 0; call < 2; call++) offer('b', { startBefore: Date.now() - 1 });
    offer('b');
    offer('c');
    await started[0]?.end();
    expect([keys(started), dropped]).toEqual(['ab', ['b', 'b']]);
  });

  it('stops: drops what waits, lets what runs end, aborts what does not, takes nothing more', async () => {
    const { pool, started, dropped, offer } = setUp({ inFlight: 2 });
    for (const key of ['a', 'b', 'c']) offer(key);
    const stopped = pool.stop(50);
    expect(dropped).toEqual(['c']);
    expect(offer('d')).toBe(false);
    await started[0]?.end();
    expect(started[1]?.signal.aborted).toBe(false);
    await stopped;
    expect(started[1]?.signal.aborted).toBe(true);
  });
});
