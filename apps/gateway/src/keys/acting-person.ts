import { Injectable } from '@nestjs/common';
import { identityHeader, Problem, type Call } from '@countersign/service-kit';
import { Upstreams } from '../front-door/upstreams';

/** Somebody unknown here is asked for in the directory, which may take two seconds. */
const patienceMs = 5_000;

interface WhoAmI {
  code?: string;
  detail?: string;
  actor?: { id: string } | null;
}

/** For whom the key of a call acts. The gateway keeps no people: intake is asked, by the call that clients ask it by. */
@Injectable()
export class ActingPerson {
  constructor(private readonly upstreams: Upstreams) {}

  /**
   * Null when the key acts for itself, for which nobody is asked: keys are revoked whatever else is down. Throws Problem
   * unknown_actor, or unavailable when intake does not answer.
   */
  async of(call: Call): Promise<{ id: string } | null> {
    if (call.actorRef === null) return null;
    const { status, said } = await this.ask(call);
    if (status === 200 && said.actor) return { id: said.actor.id };
    if (said.code === 'unknown_actor') throw new Problem('unknown_actor', said.detail ?? '');
    throw nobodyAnswers();
  }

  private async ask(call: Call): Promise<{ status: number; said: WhoAmI }> {
    const host = this.upstreams.get('intake')?.host;
    try {
      const answer = await fetch(`http://${host}/v1/whoami`, {
        headers: {
          [identityHeader]: call.header(identityHeader) ?? '',
          traceparent: call.cause.traceparent ?? '',
        },
        signal: AbortSignal.timeout(patienceMs),
      });
      return { status: answer.status, said: (await answer.json()) as WhoAmI };
    } catch {
      throw nobodyAnswers();
    }
  }
}

const nobodyAnswers = (): Problem =>
  new Problem(
    'unavailable',
    'Nobody can tell right now who Countersign-Actor is. Try again, or without it, as the key itself.',
    { headers: { 'retry-after': '1' } },
  );
