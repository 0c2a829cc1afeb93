import type { Random } from './random';
import { Scheduler } from './scheduler';

/** What all parts of one simulation share: time, chance, and a record of what happened. */
export class World {
  readonly scheduler = new Scheduler();
  readonly events: string[] = [];
  /** While true, messages get lost, calls fail half-way and handlers throw; afterwards everything works. */
  isFaulty = true;
  /** When the last of what is unusually long on its way will have arrived, in milliseconds since the start. */
  lateUntil = 0;
  /** How a network of this seed usually is, in milliseconds. */
  private readonly usualLatency: number;
  /** How often what happened, over the whole run. */
  readonly counts = new Map<string, number>();
  private readonly names = new Map<string, string>();

  constructor(
    readonly random: Random,
    private readonly isTraced: boolean,
  ) {
    this.usualLatency = random.pick([0.3, 1, 4]);
  }

  /** How long something takes on its way, in milliseconds: mostly little, sometimes so long that others believe it dead. */
  latency(): number {
    const { random, usualLatency } = this;
    const dice = random.next();
    if (this.isFaulty && dice < 0.002) {
      const late = random.between(1_000, 12_000);
      this.lateUntil = Math.max(this.lateUntil, this.scheduler.now + late);
      return late;
    }
    if (dice < 0.02) return random.between(10, 300);
    return usualLatency * (0.1 + dice);
  }

  /** True now and then while things go wrong. */
  mishap(probability: number): boolean {
    return this.isFaulty && this.random.chance(probability);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  note(text: () => string): void {
    if (this.isTraced) this.events.push(`${this.scheduler.now.toFixed(3).padStart(11)}  ${text()}`);
  }

  /** A short name for an id, the same in every run of a seed although ids are not. */
  name(id: string): string {
    let name = this.names.get(id);
    if (!name) this.names.set(id, (name = `m${this.names.size + 1}`));
    return name;
  }
}
