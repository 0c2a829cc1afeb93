import type { People } from '@countersign/directory-replica';
import type { Call } from '@countersign/service-kit';

/** Id of the person that a list is asked about: undefined when it is asked about all, null for nobody, whose list is empty. */
export const filterByPerson = async (
  people: People,
  call: Call,
  ref: string | undefined,
): Promise<string | null | undefined> => (ref === undefined ? undefined : people.idOf(call, ref));
