import fc from 'fast-check';
import type { AdmittedCall, CircuitRule, Liveness } from './circuit';
import { Circuits } from './circuits';

const rule: CircuitRule = { failures: 3, openMs: 1_000, memoryMs: 10_000, spacingMs: 20 };
const callMs = 5_000;

/** One place, called on a clock that the test sets. */
class Place {
  now = 100_000;
  constructor(
    readonly circuits = new Circuits(rule),
    readonly name = 'erp',
  ) {}

  ask() {
    return this.circuits.ask(this.name, this.now, callMs);
  }
  call(): AdmittedCall {
    const admission = this.ask();
    if (!admission.admitted) throw new Error(`turned away until ${admission.againAt}`);
    return admission.call;
  }
  end(call: AdmittedCall, liveness: Liveness): void {
    this.circuits.settle(this.name, call, liveness, this.now);
  }
  fail(times: number): void {
    for (let n = 0; n < times; n++) this.end(this.call(), 'down');
  }
  get isOpen(): boolean {
    return this.circuits.countOpen(this.now) === 1;
  }
}

const opened = (): Place => {
  const place = new Place();
  place.fail(3);
  return place;
};

describe('a circuit', () => {
  it('opens after so many failures in a row, and not before', () => {
    const place = new Place();
    place.fail(2);
    expect([place.isOpen, place.ask().admitted]).toEqual([false, true]);
    place.fail(1);
    expect([place.isOpen, place.ask()]).toEqual([true, { admitted: false, againAt: place.now + 1_000 }]);
  });

  it('stays closed when an answer comes between', () => {
    const place = new Place();
    for (let round = 0; round < 5; round++) {
      place.fail(2);
      place.end(place.call(), 'alive');
    }
    expect(place.isOpen).toBe(false);
  });

  it('stays closed when the failures are far apart', () => {
    const place = new Place();
    for (let round = 0; round < 10; round++) {
      place.fail(1);
      place.now += rule.memoryMs + 1;
    }
    expect(place.isOpen).toBe(false);
  });

  it('counts nothing that was given up on our side', () => {
    const place = new Place();
    place.fail(2);
    for (let n = 0; n < 10; n++) place.end(place.call(), 'unknown');
    expect(place.isOpen).toBe(false);
    place.fail(1);
    expect(place.isOpen).toBe(true);
  });

  it('lets one probe through after its time, and nobody else meanwhile', () => {
    const place = opened();
    place.now += 999;
    expect(place.ask().admitted).toBe(false);
    place.now += 1;
    expect(place.call().isProbe).toBe(true);
    for (let n = 0; n < 10; n++) expect(place.ask().admitted).toBe(false);
    expect(place.isOpen).toBe(true);
  });

  it('is closed by the answer to the probe', () => {
    const place = opened();
    place.now += 1_000;
    place.end(place.call(), 'alive');
    expect(place.isOpen).toBe(false);
    place.fail(2);
    expect(place.isOpen).toBe(false);
  });

  it('stays open for another while when the probe fails', () => {
    const place = opened();
    place.now += 1_000;
    const probe = place.call();
    place.now += 700;
    place.end(probe, 'down');
    place.now += 999;
    expect(place.ask().admitted).toBe(false);
    place.now += 1;
    expect(place.call().isProbe).toBe(true);
  });

  it('lets another probe through at once when one was given up on our side', () => {
    const place = opened();
    place.now += 1_000;
    place.end(place.call(), 'unknown');
    expect(place.call().isProbe).toBe(true);
  });

  it('lets another probe through when one has died, and hears the dead one no more', () => {
    const place = opened();
    place.now += 1_000;
    const dead = place.call();
    place.now += callMs - 1;
    expect(place.ask().admitted).toBe(false);
    place.now += 1;
    const probe = place.call();
    expect(probe.isProbe).toBe(true);
    place.end(dead, 'down');
    place.end(dead, 'unknown');
    expect(place.ask().admitted).toBe(false);
    place.end(probe, 'alive');
    expect(place.isOpen).toBe(false);
  });

  it('is closed by a late answer to a call from before, and not kept open by a late failure', () => {
    const place = new Place();
    const [slow, lost, ...calls] = [1, 2, 3, 4, 5].map(() => place.call());
    for (const call of calls) place.end(call, 'down');
    expect(place.isOpen).toBe(true);
    place.now += 500;
    if (lost) place.end(lost, 'down');
    expect(place.ask()).toMatchObject({ againAt: place.now + 500 });
    if (slow) place.end(slow, 'alive');
    expect(place.isOpen).toBe(false);
  });

  it('is not opened again by failures of calls that are older than its recovery', () => {
    const place = new Place();
    const old = [1, 2, 3, 4, 5, 6].map(() => place.call());
    place.fail(3);
    place.now += 1_000;
    place.end(place.call(), 'alive');
    for (const call of old) place.end(call, 'down');
    expect(place.isOpen).toBe(false);
  });

  it('tells those whom it turns away to come back one after the other', () => {
    const place = opened();
    const turns = Array.from({ length: 5 }, () => place.ask()).map((one) =>
      one.admitted ? null : one.againAt - place.now,
    );
    expect(turns).toEqual([1_000, 1_020, 1_040, 1_060, 1_080]);
    place.now += 1_000;
    place.call();
    expect(place.ask()).toEqual({ admitted: false, againAt: place.now + 200 });
  });

  it('can be asked beforehand, which is no probe', () => {
    const place = opened();
    const turnedAway = () => place.circuits.turnAway(place.name, place.now);
    expect(turnedAway()).toBe(place.now + 1_000);
    expect(place.ask()).toMatchObject({ againAt: place.now + 1_020 });
    place.now += 1_000;
    expect([turnedAway(), turnedAway()]).toEqual([null, null]);
    const probe = place.call();
    expect(turnedAway()).toBe(place.now + 200);
    place.end(probe, 'alive');
    expect(turnedAway()).toBeNull();
  });

  it('opens for nobody else', () => {
    const place = opened();
    const other = new Place(place.circuits, 'crm');
    expect(other.ask().admitted).toBe(true);
    expect(place.isOpen).toBe(true);
  });
});

describe('circuits', () => {
  it('are forgotten when nobody has called for long', () => {
    const place = opened();
    place.now += 1_000 + rule.memoryMs;
    expect(place.isOpen).toBe(true);
    place.now += 1;
    expect(place.isOpen).toBe(false);
  });

  it('take bounded memory, however many places fail', () => {
    const circuits = new Circuits({ ...rule, failures: 1 });
    for (let n = 0; n < 12_000; n++) new Place(circuits, `host-${n}`).fail(1);
    expect(circuits.countOpen(100_000)).toBe(10_000);
  });

  it('let at most one call through while open, and are never stuck, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 6_000 }) }),
      fc.record({ do: fc.constant('call' as const) }),
      fc.record({
        do: fc.constant('end' as const),
        which: fc.nat(20),
        as: fc.constantFrom<Liveness>('alive', 'down', 'unknown'),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const place = new Place();
        let running: { call: AdmittedCall; until: number }[] = [];
        let probes = new Set<AdmittedCall>();
        for (const one of steps) {
          if (one.do === 'wait') place.now += one.ms;
          // A call that has not ended in its time has died with its process, and says nothing any more.
          running = running.filter(({ until }) => until > place.now);
          if (one.do === 'call') {
            const wasOpen = place.isOpen;
            const admission = place.ask();
            if (admission.admitted) {
              expect(admission.call.isProbe).toBe(wasOpen);
              running.push({ call: admission.call, until: place.now + callMs });
              if (admission.call.isProbe) probes.add(admission.call);
            } else expect(admission.againAt).toBeGreaterThan(place.now);
          }
          if (one.do === 'end') {
            const [ended] = running.splice(one.which % Math.max(1, running.length), 1);
            if (ended) place.end(ended.call, one.as);
          }
          // What was a probe once means nothing to an outage after the next recovery.
          if (!place.isOpen) probes = new Set();
          expect(running.filter(({ call }) => probes.has(call)).length).toBeLessThanOrEqual(1);
        }
        place.now += Math.max(callMs, rule.openMs);
        expect(place.ask().admitted).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
