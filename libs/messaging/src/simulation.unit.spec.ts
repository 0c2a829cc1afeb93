import { simulate, type Simulated } from '../test/simulation/simulate';
import type { TakenOut } from '../test/simulation/application';

/** SIMULATION_SEED=17 replays one seed and tells what happened; SIMULATION_SEEDS=2001-9000 runs others than usual. */
const [first = 1, last = 2_000] = (process.env.SIMULATION_SEED ?? process.env.SIMULATION_SEEDS ?? '1-2000')
  .split('-')
  .map(Number);
const replayed = process.env.SIMULATION_SEED === undefined ? null : first;
const seeds = Array.from({ length: (replayed ?? last) - first + 1 }, (_, index) => first + index);

/** The end of a trace: what led to a violation is rarely further back. */
const tracedEvents = 400;

const report = ({ seed, violations, events }: Simulated): string =>
  [
    `seed ${seed}: ${violations.slice(0, 5).join('\n  ')}`,
    replayed === null
      ? `  replay: SIMULATION_SEED=${seed} npx jest --selectProjects=unit --testPathPatterns=messaging/src/simulation`
      : events.slice(-tracedEvents).join('\n'),
  ].join('\n');

const firstViolation = async (takenOut: TakenOut, most: number): Promise<Simulated | null> => {
  for (let seed = 1; seed <= most; seed++) {
    const simulated = await simulate(seed, { takenOut });
    if (simulated.violations.length > 0) return simulated;
  }
  return null;
};

describe('three services whose processes, databases and broker fail at every turn', () => {
  it(
    'lose nothing, do nothing twice, and come to rest',
    async () => {
      const failed: Simulated[] = [];
      const seen = new Set<string>();
      for (const seed of seeds) {
        const simulated = await simulate(seed, { isTraced: replayed !== null });
        for (const what of simulated.counts.keys()) seen.add(what);
        if (simulated.violations.length > 0) failed.push(simulated);
        if (failed.length === 3) break;
      }
      expect(failed.map(report).join('\n')).toBe('');
      if (seeds.length >= 1_000) {
        expect([...seen].sort()).toEqual([
          'completed',
          'deadlock',
          'failed',
          'known message',
          'lock lost',
          'postponed',
          'retry alone',
          'send',
          'send again',
          'send again, several',
          'send, several',
          'waiting for a row',
        ]);
      }
    },
    // Per seed about a tenth of this.
    10_000 + seeds.length * 100,
  );

  it('do the same again for the same seed', async () => {
    for (const seed of [3, 5, 8]) {
      const [once, again] = [
        await simulate(seed, { isTraced: true }),
        await simulate(seed, { isTraced: true }),
      ];
      expect(once.events.length).toBeGreaterThan(50);
      expect(again.events).toEqual(once.events);
    }
  });

  it.each([
    { takenOut: 'inbox', most: 20, violation: /(command|transition) \S+: \d+ times/ },
    { takenOut: 'fence', most: 20, violation: /command \S+: lost/ },
    { takenOut: 'reconciler', most: 20, violation: /stuck: .*outbox/ },
  ] as const)('fail within $most seeds without the $takenOut', async ({ takenOut, most, violation }) => {
    const simulated = await firstViolation(takenOut, most);
    expect(simulated?.violations.join('\n')).toMatch(violation);
  });
});
