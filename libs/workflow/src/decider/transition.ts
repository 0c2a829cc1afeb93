import type { RequestAggregate } from '../aggregate';
import type { Decision, DecideEnv, Effect } from './decision';
import { evolve } from './evolve';
import type { Actor, DomainEvent, EventData, EventType } from './events';

/** Collects the events of one decision and keeps the state as of the last of them. */
export class Transition {
  readonly events: DomainEvent[] = [];
  readonly effects: Effect[] = [];
  private current: RequestAggregate | null;

  constructor(
    state: RequestAggregate | null,
    readonly env: DecideEnv,
    private readonly actor: Actor,
  ) {
    this.current = state;
  }

  get state(): RequestAggregate {
    if (!this.current) throw new Error('the request has not been created yet');
    return this.current;
  }

  record<T extends EventType>(type: T, data: EventData[T]): void {
    const event = { id: this.env.newId(), type, at: this.env.now, actor: this.actor, ...data } as DomainEvent;
    this.events.push(event);
    this.current = evolve(this.current, event);
  }

  done(): Decision {
    return { ok: true, events: this.events, effects: this.effects };
  }
}
