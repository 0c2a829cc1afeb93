import { until } from '@countersign/service-kit/test';
import { BatchRecorder } from './batch-recorder';

const databaseAway = () => Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });

describe('the recorder', () => {
  it('writes together what ended while the last write ran', async () => {
    const batches: number[][] = [];
    const recorder = new BatchRecorder<number>(
      async (batch) => {
        batches.push([...batch]);
        if (batches.length === 1) for (const item of [3, 4, 5]) recorder.record(item);
        await new Promise((resolve) => setImmediate(resolve));
      },
      () => undefined,
    );
    recorder.record(1);
    recorder.record(2);
    await recorder.flush(1_000);
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('writes together what ends within a moment', async () => {
    const batches: number[][] = [];
    const recorder = new BatchRecorder<number>(
      (batch) => Promise.resolve(void batches.push([...batch])),
      () => undefined,
    );
    recorder.record(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    recorder.record(2);
    await until(() => batches.length > 0);
    expect(batches).toEqual([[1, 2]]);
    recorder.record(3);
    await until(() => batches.length > 1);
    expect(batches).toEqual([[1, 2], [3]]);
  });

  it('gathers between writes too, and leaves at once for what is urgent', async () => {
    const batches: number[][] = [];
    const recorder = new BatchRecorder<number>(
      async (batch) => {
        batches.push([...batch]);
        if (batches.length > 1) return;
        recorder.record(2);
        setTimeout(() => recorder.record(3), 20);
        setTimeout(() => recorder.record(4, true), 40);
        setTimeout(() => recorder.record(5), 45);
      },
      () => undefined,
    );
    recorder.record(1);
    await until(() => batches.length === 3);
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('waits for the database and loses nothing', async () => {
    let isAway = true;
    const written: number[] = [];
    const recorder = new BatchRecorder<number>(
      (batch) => {
        if (isAway) return Promise.reject(databaseAway());
        written.push(...batch);
        return Promise.resolve();
      },
      () => (isAway = false),
    );
    recorder.record(1);
    recorder.record(2);
    await recorder.flush(2_000);
    expect(written).toEqual([1, 2]);
  });

  it('leaves out the one that cannot be written, and writes the rest', async () => {
    const written: number[] = [];
    const faults: unknown[] = [];
    const recorder = new BatchRecorder<number>(
      (batch) => {
        if (batch.includes(2)) return Promise.reject(new Error('invalid'));
        written.push(...batch);
        return Promise.resolve();
      },
      (error) => faults.push(error),
    );
    for (const item of [1, 2, 3]) recorder.record(item);
    await recorder.flush(1_000);
    expect([written, faults.length]).toEqual([[1, 3], 2]);
  });

  it('does not hold up a shutdown for longer than it may', async () => {
    const recorder = new BatchRecorder<number>(
      () => Promise.reject(databaseAway()),
      () => undefined,
    );
    recorder.record(1);
    const startedAt = Date.now();
    await recorder.flush(100);
    expect(Date.now() - startedAt).toBeLessThan(400);
    recorder.stop();
  });
});
