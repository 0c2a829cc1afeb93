import { eventually, pause } from './eventually';
import { violationsOf } from './ledger';
import { startLoadedSystem, type LoadedSystem } from './loaded-system';
import { cutDatabaseConnections, flushRedis, killService, redisAway, type Nemesis } from './nemeses';
import { countLeftOver, readBooks } from './read-books';

jest.setTimeout(240_000);

const inFlight = 200;
/** Between two strikes, so that each meets a system at work. */
const breathMs = 1_500;
/** From the last strike until all is at rest. */
const drainMs = 60_000;

const nemeses: Nemesis[] = [
  flushRedis,
  killService('routing'),
  killService('intake'),
  killService('approver-resolution'),
  killService('notification'),
  killService('audit'),
  killService('gateway'),
  redisAway(20_000),
  cutDatabaseConnections,
  flushRedis,
];

describe(`with ${inFlight} requests in flight`, () => {
  let loaded: LoadedSystem;
  let takenBefore = 0;
  let lastStrikeAt = 0;

  beforeAll(async () => {
    loaded = await startLoadedSystem(
      { replicas: { routing: 2 }, serviceEnv: { routing: { COUNTERSIGN_CONCURRENCY: '4' } } },
      { inFlight, thinkMs: 5_000, patienceMs: 120_000 },
    );
    loaded.load.start();
    await eventually('the load is in full swing', () => loaded.load.taken >= inFlight);
  });

  afterAll(() => loaded?.stop());

  beforeEach(() => {
    takenBefore = loaded.load.taken;
  });

  it.each(nemeses.map((nemesis) => [nemesis.name, nemesis] as const))('survives %s', async (_, nemesis) => {
    await nemesis.strike(loaded.system);
    lastStrikeAt = Date.now();
    await pause(breathMs);
    await eventually('requests are taken again', () => loaded.load.taken > takenBefore);
  });

  it('comes to rest', async () => {
    await loaded.load.finish();
    expect(loaded.load.stuck).toEqual([]);
    await eventually(
      'nothing is under way any more',
      async () => Object.values(await countLeftOver(loaded.system)).every((count) => count === 0),
      { withinMs: lastStrikeAt + drainMs - Date.now(), everyMs: 500 },
    ).catch(async (error: Error) => {
      throw new Error(`${error.message} ${JSON.stringify(await countLeftOver(loaded.system))}`);
    });
  });

  it('has balanced books: everything acknowledged is there once, and everybody was told', async () => {
    const books = await readBooks(loaded.system, loaded.load, loaded.subscribers);
    expect(books.promised.length).toBeGreaterThan(inFlight);
    expect(violationsOf(books)).toEqual([]);
  });
});
