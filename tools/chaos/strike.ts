import { eventually, pause } from '../e2e/eventually';
import { flushRedis, killService, postgresAway, redisAway, suspendService } from '../e2e/nemeses';
import type { ChaosSystem } from './chaos-system';
import type { Strike } from './schedule';

/** Commits are frequent under load: what was not dropped by then is let through. */
const dropWithinMs = 10_000;

/** Carries a strike out; settles when it is over and what it hit is back. */
export async function carryOut(strike: Strike, { system, proxies }: ChaosSystem): Promise<void> {
  const { victim } = strike;
  switch (strike.kind) {
    case 'kill':
      // It may have ended by itself meanwhile, and is on its way back.
      await eventually(`${victim} runs`, () => system.service(strike.victim).pid !== undefined);
      return killService(strike.victim).strike(system);
    case 'suspend':
      return suspendService(strike.victim, strike.forMs).strike(system);
    case 'flush':
      return flushRedis.strike(system);
    case 'restart':
      return strike.victim === 'Redis'
        ? redisAway(strike.awayMs).strike(system)
        : postgresAway(strike.how, strike.awayMs).strike(system);
    case 'cut':
      if (proxies[strike.victim].cut() === 0) throw new Error(`nobody was connected to ${victim}`);
      return;
    case 'slow': {
      const proxy = proxies[strike.victim];
      proxy.delayMs = strike.byMs;
      await pause(strike.forMs);
      proxy.delayMs = 0;
      return;
    }
    case 'drop-commits': {
      const proxy = proxies[strike.victim];
      const until = Date.now() + dropWithinMs;
      const before = proxy.dropped;
      proxy.dropCommitAnswers(strike.count);
      while (proxy.dropped < before + strike.count && Date.now() < until) await pause(20);
      proxy.dropCommitAnswers(0);
      if (proxy.dropped === before) throw new Error('no answer to COMMIT was seen');
    }
  }
}
