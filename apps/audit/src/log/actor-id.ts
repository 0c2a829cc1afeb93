import type { People } from '@countersign/directory-replica';
import type { Call } from '@countersign/service-kit';

/** Whose entries a filter asks for; of a ref that names nobody a value that no entry has. */
export const actorIdOf = async (
  people: People,
  call: Call,
  ref: string | undefined,
): Promise<string | undefined> => (ref === undefined ? undefined : ((await people.idOf(call, ref)) ?? ''));
