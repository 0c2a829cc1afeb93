import type { Clock } from '../../src/ports';
import type { World } from './world';

/** Any day will do, but ids say when they were made, and the inbox turns old ones away. */
const startOfTime = Date.now();

/**
 * A process from its start to its end. When it dies, no call of it is ever answered and no timer fires; what was on its
 * way to a server may still arrive. While it is frozen, everything waits.
 */
export class Life {
  isOver = false;
  private frozenUntil = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {}

  get isFrozen(): boolean {
    return this.frozenUntil > this.world.scheduler.now;
  }

  freeze(ms: number): void {
    this.frozenUntil = this.world.scheduler.now + ms;
  }

  readonly clock: Clock = {
    now: () => startOfTime + Math.floor(this.world.scheduler.now),
    after: (ms, callback) => this.later(ms, callback),
  };

  later(ms: number, callback: () => void): () => void {
    let cancel = () => {};
    const run = () => {
      if (this.isOver) return;
      const frozenFor = this.frozenUntil - this.world.scheduler.now;
      if (frozenFor > 0) cancel = this.world.scheduler.after(frozenFor, run);
      else callback();
    };
    cancel = this.world.scheduler.after(ms, run);
    return () => cancel();
  }

  /** Calls a server: the request travels, is served, and the answer travels back. */
  call<T>(serve: () => T | Promise<T>): Promise<T> {
    const { world } = this;
    return new Promise<T>((resolve, reject) => {
      const succeed = (answer: T) => void this.later(world.latency(), () => resolve(answer));
      const fail = (error: unknown) => void this.later(world.latency(), () => reject(error));
      world.scheduler.after(world.latency(), () => {
        if (this.isOver && world.random.chance(0.5)) return;
        try {
          const answer = serve();
          if (answer instanceof Promise) answer.then(succeed, fail);
          else succeed(answer);
        } catch (error) {
          fail(error);
        }
      });
    });
  }
}
