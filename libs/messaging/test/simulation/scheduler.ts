interface Appointment {
  /** Microseconds since the start. */
  at: number;
  order: number;
  callback: (() => void) | null;
}

const isBefore = (a: Appointment, b: Appointment): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

/** Lets everything run that only waits for promises: ticks come when no promise job is left. */
const promisesAreDone = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Virtual time: a heap of what is to happen, one thing after the other. Whole microseconds, so that nothing is rounded. */
export class Scheduler {
  private readonly heap: Appointment[] = [];
  private made = 0;
  private microseconds = 0;

  /** Milliseconds since the start. */
  get now(): number {
    return this.microseconds / 1_000;
  }

  /** Calls back once after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): () => void {
    const at = this.microseconds + Math.max(0, Math.round(ms * 1_000));
    const appointment: Appointment = { at, order: this.made++, callback };
    this.push(appointment);
    return () => void (appointment.callback = null);
  }

  /** Lets things happen until one of them makes it over, or nothing is left. */
  async run(isOver: () => boolean): Promise<void> {
    for (let next = this.pop(); next; next = this.pop()) {
      if (!next.callback) continue;
      this.microseconds = next.at;
      next.callback();
      await promisesAreDone();
      if (isOver()) return;
    }
  }

  private push(appointment: Appointment): void {
    const { heap } = this;
    let index = heap.push(appointment) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as Appointment;
      if (!isBefore(appointment, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = appointment;
  }

  private pop(): Appointment | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Appointment, heap[below] as Appointment))
        below++;
      const child = heap[below] as Appointment;
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return first;
  }
}
