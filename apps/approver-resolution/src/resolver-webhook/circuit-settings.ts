import type { CircuitRule } from '@countersign/circuit-breaker';
import { durationToMs } from '@countersign/workflow';

/** How a host that fails is left alone, and how long attempts wait for it; in milliseconds. */
export interface CircuitSettings {
  rule: CircuitRule;
  /** From when an attempt first found the circuit open; what finds it open after that has failed. */
  patienceMs: number;
}

/** Reads COUNTERSIGN_RESOLVER_CIRCUIT and COUNTERSIGN_RESOLVER_PATIENCE. Throws TypeError naming the one that is no duration. */
export const readCircuitSettings = (env: NodeJS.ProcessEnv): CircuitSettings => ({
  rule: {
    failures: 10,
    openMs: durationIn(env, 'COUNTERSIGN_RESOLVER_CIRCUIT', 'PT5S'),
    memoryMs: 60_000,
    spacingMs: 20,
  },
  patienceMs: durationIn(env, 'COUNTERSIGN_RESOLVER_PATIENCE', 'PT1M'),
});

const durationIn = (env: NodeJS.ProcessEnv, name: string, usual: string): number => {
  const text = env[name]?.trim() || usual;
  const ms = durationToMs(text);
  if (ms === null) throw new TypeError(`${name}: not an ISO 8601 duration: "${text}"`);
  return ms;
};
