import { Circuits, type AdmittedCall, type Admission } from '@countersign/circuit-breaker';
import type { OutboundResult } from '@countersign/outbound-http';
import { CONFIG, type ServiceConfig } from '@countersign/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { readCircuitSettings } from './circuit-settings';
import { livenessOf } from './resolver-answer';

/** What a probe may take beyond its timeout, in milliseconds. */
const marginMs = 1_000;

/** Which hosts this process leaves alone for now (docs/adr/0009). Times are those of `performance.now()`. */
@Injectable()
export class ResolverCircuits {
  private readonly circuits: Circuits;

  constructor(@Inject(CONFIG) config: ServiceConfig, registry: Registry) {
    const circuits = new Circuits(readCircuitSettings(config.env).rule);
    this.circuits = circuits;
    new Gauge({
      name: 'countersign_resolver_open_circuits',
      help: 'Hosts of resolver webhooks, each of one workspace, that this process does not call at present because they fail.',
      registers: [registry],
      collect() {
        this.set(circuits.countOpen(performance.now()));
      },
    });
  }

  /** In how many milliseconds to come back, if this place would not be called now; else null. */
  turnAway(place: string): number | null {
    const now = performance.now();
    const againAt = this.circuits.turnAway(place, now);
    return againAt && againAt - now;
  }

  ask(place: string, timeoutMs: number): Admission {
    return this.circuits.ask(place, performance.now(), timeoutMs + marginMs);
  }

  /** `result`: null when the call came to nothing on our side. */
  settle(place: string, call: AdmittedCall, result: OutboundResult | null): void {
    this.circuits.settle(place, call, result ? livenessOf(result) : 'unknown', performance.now());
  }
}
