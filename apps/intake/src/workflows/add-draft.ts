import { createHash } from 'node:crypto';
import type { Actor, FactContents } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';
import { callingActor, recordFact, type Call } from '@countersign/service-kit';
import type { WorkflowDefinition } from '@countersign/workflow';
import { v7 } from 'uuid';
import { insertDraft } from './workflow.rows';

export interface NewDraft {
  definition: Pick<WorkflowDefinition, 'key' | 'title'>;
  /** As its author gave it. */
  text: string;
  mediaType: string;
}

/** SHA-256, in hex, of a definition's text: what the log says of it, and what `sha256sum` says of the file. */
export const definitionHash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Adds a version of a workflow as a draft, and an entry of it to the log; answers its number. */
export const addDraft = async (
  tx: Tx,
  call: Call,
  person: { id: string } | null,
  { definition, text, mediaType }: NewDraft,
  origin: FactContents['workflow.version_added']['origin'],
): Promise<number> => {
  const { key, title } = definition;
  const createdBy: Actor = callingActor(call, person);
  const { workspaceId } = call;
  const draft = { newWorkflowId: v7(), workspaceId, key, title: title ?? key, definition, text, mediaType };
  const { workflowId, version } = await insertDraft(tx, { ...draft, createdBy });
  recordFact(tx, call, person, {
    type: 'workflow.version_added',
    content: { workflow: key, workflowId, version, definitionHash: definitionHash(text), origin },
  });
  return version;
};
