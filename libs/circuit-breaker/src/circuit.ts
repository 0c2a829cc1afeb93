/** When a circuit opens, and what happens then. All times are in milliseconds. */
export interface CircuitRule {
  /** So many failures in a row open it. */
  failures: number;
  /** Nothing is called for so long then; after that one call is let through as a probe. */
  openMs: number;
  /** Failures further apart than this are not in a row. */
  memoryMs: number;
  /** Who is turned away is told to come back so much later than the one before, lest all come at once. */
  spacingMs: number;
}

/** What is known of one place that is called. It is data: times come from its owner's clock, whichever that is. */
export type Circuit =
  | { state: 'closed'; failures: number; failedAt: number; since: number }
  | { state: 'open'; until: number; lastTurn: number }
  /** `until`: a probe that has said nothing by then has died, and another one may go. */
  | { state: 'half-open'; probedAt: number; until: number; lastTurn: number };

/** A call that was let through, to be settled when it has ended. */
export interface AdmittedCall {
  startedAt: number;
  isProbe: boolean;
}

/**
 * What a call says of the place that was called: it answered, whatever the answer; it is out of order; or nothing,
 * because the call was given up on our side.
 */
export type Liveness = 'alive' | 'down' | 'unknown';

export type Admission = { admitted: true; call: AdmittedCall } | { admitted: false; againAt: number };

export const closedCircuit: Circuit = { state: 'closed', failures: 0, failedAt: 0, since: 0 };

/** Whether a call may be made, that will have ended after `callMs` at the latest, and the circuit after that. */
export const admit = (
  circuit: Circuit,
  now: number,
  callMs: number,
  rule: CircuitRule,
): [Admission, Circuit] => {
  if (circuit.state === 'closed')
    return [{ admitted: true, call: { startedAt: now, isProbe: false } }, circuit];
  if (now < circuit.until) {
    // How long a probe takes nobody knows; the shorter an outage may be, the sooner it is looked after.
    const soonest = circuit.state === 'open' ? circuit.until : now + rule.openMs / 5;
    const againAt = Math.max(circuit.lastTurn + rule.spacingMs, soonest);
    return [
      { admitted: false, againAt },
      { ...circuit, lastTurn: againAt },
    ];
  }
  return [
    { admitted: true, call: { startedAt: now, isProbe: true } },
    { state: 'half-open', probedAt: now, until: now + callMs, lastTurn: circuit.lastTurn },
  ];
};

/** The circuit after a call that was let through. */
export const settle = (
  circuit: Circuit,
  call: AdmittedCall,
  liveness: Liveness,
  now: number,
  rule: CircuitRule,
): Circuit => {
  switch (liveness) {
    case 'alive':
      // Any answer counts, also a late one to a call from before.
      return circuit.state === 'closed'
        ? { ...circuit, failures: 0 }
        : { state: 'closed', failures: 0, failedAt: 0, since: now };
    case 'down':
      return afterFailure(circuit, call, now, rule);
    case 'unknown':
      return isProbeOf(circuit, call) ? { state: 'open', until: now, lastTurn: circuit.lastTurn } : circuit;
  }
};

const afterFailure = (circuit: Circuit, call: AdmittedCall, now: number, rule: CircuitRule): Circuit => {
  if (circuit.state !== 'closed') {
    return isProbeOf(circuit, call)
      ? { state: 'open', until: now + rule.openMs, lastTurn: circuit.lastTurn }
      : circuit;
  }
  // A call from before the last outage says nothing of what is now.
  if (call.startedAt < circuit.since) return circuit;
  const failures = now - circuit.failedAt > rule.memoryMs ? 1 : circuit.failures + 1;
  return failures < rule.failures
    ? { ...circuit, failures, failedAt: now }
    : { state: 'open', until: now + rule.openMs, lastTurn: 0 };
};

const isProbeOf = (
  circuit: Circuit,
  { startedAt, isProbe }: AdmittedCall,
): circuit is Circuit & { state: 'half-open' } =>
  circuit.state === 'half-open' && isProbe && circuit.probedAt === startedAt;

/** Whether a new circuit would do as well as this one: nobody has called for long. */
export const isForgettable = (circuit: Circuit, now: number, { memoryMs }: CircuitRule): boolean =>
  now - (circuit.state === 'closed' ? Math.max(circuit.failedAt, circuit.since) : circuit.until) > memoryMs;
