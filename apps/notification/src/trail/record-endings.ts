import { newCause, type Tx } from '@countersign/messaging';
import { recordSystemFacts, type SystemFact } from '@countersign/service-kit';

/** What became of telling somebody: a delivery, a mail or a chat message that is over. */
export interface Ending {
  workspaceId: string;
  fact: SystemFact;
}

/** Puts endings into the log, those of one workspace as one message: they are as many as there are notifications. */
export const recordEndings = (tx: Tx, endings: readonly Ending[]): void => {
  const byWorkspace = new Map<string, SystemFact[]>();
  for (const { workspaceId, fact } of endings) {
    const facts = byWorkspace.get(workspaceId);
    if (facts) facts.push(fact);
    else byWorkspace.set(workspaceId, [fact]);
  }
  for (const [workspaceId, facts] of byWorkspace) recordSystemFacts(tx, workspaceId, newCause(), facts);
};
