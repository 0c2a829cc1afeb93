import type { Actor, DirectoryPerson } from '@countersign/contracts';
import type { Call } from '@countersign/service-kit';

/** Who acts in a call: the person that the key vouches for, or the key itself. */
export const callingActor = (call: Call, person: DirectoryPerson | null): Actor =>
  person
    ? { type: 'user', id: person.id, via: call.identity.key.id }
    : { type: 'service', id: call.identity.key.id, via: null };
