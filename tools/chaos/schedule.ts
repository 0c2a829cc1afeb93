import { consumers } from '@countersign/contracts';
import { Random } from '../../libs/messaging/test/simulation/random';
import type { ProcessName } from '../e2e/test-system';

export type Server = 'PostgreSQL' | 'Redis';

/** One thing that goes wrong, and how badly. Times in milliseconds. */
export type Strike =
  | { kind: 'kill'; victim: ProcessName }
  | { kind: 'suspend'; victim: ProcessName; forMs: number }
  | { kind: 'flush'; victim: 'Redis' }
  | { kind: 'restart'; victim: 'Redis'; awayMs: number }
  | { kind: 'restart'; victim: 'PostgreSQL'; how: 'fast' | 'kill'; awayMs: number }
  | { kind: 'cut'; victim: Server }
  | { kind: 'slow'; victim: Server; byMs: number; forMs: number }
  | { kind: 'drop-commits'; victim: 'PostgreSQL'; count: number };

/** Strikes that begin together, a while after those before them are over. */
export interface Round {
  breathMs: number;
  strikes: readonly Strike[];
}

/** Two processes of every service. */
export const processes: readonly ProcessName[] = (['gateway', ...consumers] as const).flatMap((name) => [
  name,
  `${name}-2` as const,
]);

/** A job's lock in Redis is good for 10 s (libs/messaging/src/bullmq.server.ts): whoever sleeps longer has lost it. */
const lockMs = 10_000;

/** At the end, so that the load itself shows whether the system has recovered. */
export const restMs = 5_000;

/** About what a process or a server takes until it is ready again. */
const restartMs = 4_000;

/** Every kind of strike: a run has all of them before it has one of them again. */
const drawn: readonly ((random: Random, victims: Deck<ProcessName>) => Strike)[] = [
  (_, victims) => ({ kind: 'kill', victim: victims.draw() }),
  (_, victims) => ({ kind: 'kill', victim: victims.draw() }),
  (random, victims) => ({
    kind: 'suspend',
    victim: victims.draw(),
    forMs: lockMs + random.between(1_000, 6_000),
  }),
  () => ({ kind: 'flush', victim: 'Redis' }),
  (random) => ({ kind: 'restart', victim: 'Redis', awayMs: random.between(200, 8_000) }),
  (random) => ({ kind: 'restart', victim: 'PostgreSQL', how: 'fast', awayMs: random.between(0, 5_000) }),
  (random) => ({ kind: 'restart', victim: 'PostgreSQL', how: 'kill', awayMs: random.between(0, 5_000) }),
  () => ({ kind: 'cut', victim: 'PostgreSQL' }),
  () => ({ kind: 'cut', victim: 'Redis' }),
  (random) => slow('PostgreSQL', random),
  (random) => slow('Redis', random),
  (random) => ({ kind: 'drop-commits', victim: 'PostgreSQL', count: random.between(1, 20) }),
];

const slow = (victim: Server, random: Random): Strike => ({
  kind: 'slow',
  victim,
  byMs: random.between(10, 120),
  forMs: random.between(3_000, 8_000),
});

/** What goes wrong in a run of so many milliseconds. The same seed gives the same. */
export function scheduleOf(seed: number, runMs: number): Round[] {
  const random = new Random(seed);
  const strikes = new Deck(drawn, random);
  const victims = new Deck(processes, random);
  const rounds: Round[] = [];
  for (let elapsed = 0; ;) {
    const breathMs = random.between(2_000, 6_000);
    const first = strikes.draw()(random, victims);
    const together = [first];
    if (random.chance(0.4)) {
      const card = strikes.draw();
      const second = card(random, victims);
      if (second.victim === first.victim) strikes.putBack(card);
      else together.push(second);
    }
    elapsed += breathMs + Math.max(...together.map(expectedMs));
    if (elapsed > runMs - restMs) return rounds;
    rounds.push({ breathMs, strikes: together });
  }
}

/** About how long it takes until a strike is over and what it hit is back. */
export function expectedMs(strike: Strike): number {
  switch (strike.kind) {
    case 'kill':
      return restartMs;
    case 'suspend':
    case 'slow':
      return strike.forMs;
    case 'restart':
      return strike.awayMs + restartMs;
    case 'drop-commits':
      return 1_000;
    case 'flush':
    case 'cut':
      return 0;
  }
}

export function describeStrike(strike: Strike): string {
  const { victim } = strike;
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  switch (strike.kind) {
    case 'kill':
      return `SIGKILL to ${victim}`;
    case 'suspend':
      return `SIGSTOP to ${victim} for ${seconds(strike.forMs)}`;
    case 'flush':
      return 'FLUSHALL on Redis';
    case 'restart':
      return `${victim} ${'how' in strike && strike.how === 'fast' ? 'stopped' : 'killed'}, away for ${seconds(strike.awayMs)}`;
    case 'cut':
      return `every connection to ${victim} cut`;
    case 'slow':
      return `everything from and to ${victim} ${strike.byMs} ms late for ${seconds(strike.forMs)}`;
    case 'drop-commits':
      return `the next ${strike.count} answers to COMMIT dropped`;
  }
}

/** Gives everything once, in an order of chance, before it gives anything again. */
class Deck<T> {
  private left: T[] = [];

  constructor(
    private readonly all: readonly T[],
    private readonly random: Random,
  ) {}

  draw(): T {
    if (this.left.length === 0) this.left = [...this.all];
    const chosen = this.random.pick(this.left.map((_, index) => index));
    const [card] = this.left.splice(chosen, 1);
    return card as T;
  }

  putBack(card: T): void {
    this.left.push(card);
  }
}
