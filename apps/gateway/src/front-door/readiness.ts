import { Injectable } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { Upstreams, type Upstream } from './upstreams';

/** An answer is good for this long: probes of many must not become a load of their own. */
const freshMs = 1_000;
const patienceMs = 1_500;

/** Tells whether everything is up: the gateway's database and every service behind it. */
@Injectable()
export class Readiness {
  private last: { at: number; missing: Promise<string[]> } | null = null;

  constructor(
    private readonly database: Database,
    private readonly upstreams: Upstreams,
  ) {}

  /** Names of what is not ready; empty when everything is. */
  missing(): Promise<string[]> {
    const now = Date.now();
    if (!this.last || now - this.last.at > freshMs) this.last = { at: now, missing: this.look() };
    return this.last.missing;
  }

  private async look(): Promise<string[]> {
    const probes: [string, Promise<unknown>][] = [
      ['gateway database', this.database.everywhere((sql) => sql.query('SELECT 1 FROM migrations LIMIT 1'))],
      ...this.upstreams
        .all()
        .map((upstream): [string, Promise<unknown>] => [upstream.service, answersReady(upstream)]),
    ];
    const outcomes = await Promise.allSettled(probes.map(([, probe]) => probe));
    return probes.filter((_, index) => outcomes[index]?.status === 'rejected').map(([name]) => name);
  }
}

const answersReady = async ({ host }: Upstream): Promise<void> => {
  const answer = await fetch(`http://${host}/readyz`, { signal: AbortSignal.timeout(patienceMs) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
};
