import type { People } from '@countersign/directory-replica';
import type { Call } from '@countersign/service-kit';

/**
 * Id of the person that a list is asked about by id, externalId or userName: undefined when it is asked about all,
 * null when there is no such person, for whom the list is empty. Throws Problem unavailable as `People.find` does.
 */
export const filterByPerson = async (
  people: People,
  call: Call,
  ref: string | undefined,
): Promise<string | null | undefined> =>
  ref === undefined ? undefined : ((await people.find(call.workspaceId, ref, call.cause))?.id ?? null);
