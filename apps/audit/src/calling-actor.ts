import type { Actor } from '@countersign/contracts';
import type { Call } from '@countersign/service-kit';

/** Who a call is made by: the person it names, vouched for by the key, or the key itself. */
export const actorOf = (call: Call, person: { id: string } | null): Actor =>
  person
    ? { type: 'user', id: person.id, via: call.identity.key.id }
    : { type: 'service', id: call.identity.key.id, via: null };
