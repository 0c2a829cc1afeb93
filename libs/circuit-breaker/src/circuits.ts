import {
  admit,
  closedCircuit,
  isForgettable,
  settle,
  type Admission,
  type AdmittedCall,
  type Circuit,
  type CircuitRule,
  type Liveness,
} from './circuit';

/** More places than this are not remembered: those that failed first are taken to be well again. */
const mostRemembered = 10_000;

/** The circuits of the places that one process calls. Only those of places that have failed lately take memory. */
export class Circuits {
  private readonly circuits = new Map<string, Circuit>();

  constructor(private readonly rule: CircuitRule) {}

  /** `callMs`: the longest that the call may take, in milliseconds. `now`: milliseconds of any clock that goes on. */
  ask(place: string, now: number, callMs: number): Admission {
    const [admission, circuit] = admit(this.of(place), now, callMs, this.rule);
    if (circuit.state !== 'closed') this.circuits.set(place, circuit);
    return admission;
  }

  /** When to come back, if a call would not be let through now; null if it would be. Lets nobody through itself. */
  turnAway(place: string, now: number): number | null {
    const [admission, circuit] = admit(this.of(place), now, 0, this.rule);
    if (admission.admitted) return null;
    this.circuits.set(place, circuit);
    return admission.againAt;
  }

  settle(place: string, call: AdmittedCall, liveness: Liveness, now: number): void {
    const before = this.of(place);
    const after = settle(before, call, liveness, now, this.rule);
    if (after.state === 'closed' && after.failures === 0 && after.since === 0) this.circuits.delete(place);
    else if (after !== before) this.remember(place, after);
  }

  /** How many places are not called now, or only probed. */
  countOpen(now: number): number {
    for (const [place, circuit] of this.circuits)
      if (isForgettable(circuit, now, this.rule)) this.circuits.delete(place);
    return [...this.circuits.values()].filter(({ state }) => state !== 'closed').length;
  }

  private of(place: string): Circuit {
    return this.circuits.get(place) ?? closedCircuit;
  }

  private remember(place: string, circuit: Circuit): void {
    if (!this.circuits.has(place) && this.circuits.size >= mostRemembered) {
      const [oldest] = this.circuits.keys();
      if (oldest !== undefined) this.circuits.delete(oldest);
    }
    this.circuits.set(place, circuit);
  }
}
