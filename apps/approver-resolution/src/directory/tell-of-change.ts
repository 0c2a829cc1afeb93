import type { FactContents } from '@countersign/contracts';
import type { Cause, Tx } from '@countersign/messaging';
import { factsOf, type ChangeFacts } from './change-facts';
import { nothing, type DirectoryChange } from './directory-change';
import { countChange, directoryVersions } from './directory-version';
import { publishChange } from './publish-people';

/**
 * Tells the other services and the log of a change of the directory, and counts it as a version: the last that is to be done
 * in its transaction. Nothing is told of `nothing`.
 * @param record puts the facts into the log
 */
export const tellOfChange = async (
  tx: Tx,
  workspaceId: string,
  cause: Cause,
  operation: FactContents['directory.changed']['operation'],
  change: DirectoryChange,
  record: (facts: ChangeFacts) => void,
): Promise<void> => {
  const [versions] = await Promise.all([
    directoryVersions(tx, [workspaceId]),
    publishChange(tx, workspaceId, change.people, cause),
  ]);
  // Others may be committed before this one: it is in no version before the next.
  if (change !== nothing) record(factsOf(operation, change, (versions.get(workspaceId) ?? 0) + 1));
  countChange(tx, workspaceId);
};
