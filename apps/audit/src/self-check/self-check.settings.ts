import { CONFIG, numberOf, type ServiceConfig } from '@countersign/service-kit';
import { Inject, Injectable } from '@nestjs/common';

/** What the surroundings say about the self-check. A value that cannot be read stops the service at start. */
@Injectable()
export class SelfCheckSettings {
  /** `COUNTERSIGN_SELFCHECK_INTERVAL`, seconds: how often what is new in each log is checked. */
  readonly intervalMs: number;
  /** `COUNTERSIGN_SELFCHECK_PASS`, seconds: how often a pass over all entries of a log begins, at most. */
  readonly passMs: number;

  constructor(@Inject(CONFIG) { env }: ServiceConfig) {
    this.intervalMs = numberOf(env, 'COUNTERSIGN_SELFCHECK_INTERVAL', 60, [1, 86_400]) * 1_000;
    this.passMs = numberOf(env, 'COUNTERSIGN_SELFCHECK_PASS', 3_600, [1, 31_536_000]) * 1_000;
  }
}
