import { isUuid } from '@countersign/contracts';
import type { People } from '@countersign/directory-replica';
import { Problem, type Call } from '@countersign/service-kit';

/** Whose entries a filter asks for; of a ref that names nobody a value that no entry has. */
export const actorIdOf = async (
  people: People,
  call: Call,
  ref: string | undefined,
): Promise<string | undefined> => {
  if (ref === undefined) return undefined;
  // An id may also be a key's, or that of somebody who has left: then the directory need not know it, nor answer.
  const isId = isUuid(ref);
  const person = await people.find(call.workspaceId, ref, call.cause).catch((error: unknown) => {
    if (isId && error instanceof Problem) return null;
    throw error;
  });
  return person?.id ?? (isId ? ref.toLowerCase() : '');
};
