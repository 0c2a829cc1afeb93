import type { Actor } from '@countersign/contracts';

/** Something personal or written freely, kept beside the log for the person it concerns. */
export interface PersonalData {
  /** User id. */
  subject: string;
  kind: string;
  data: unknown;
  /** Erased before it was stored: it is committed to, and not kept. */
  isErased?: boolean;
}

/** A fact before it has its place in the log. */
export interface LogEntry {
  workspaceId: string;
  id: string;
  type: string;
  at: string;
  actor: Actor;
  requestId: string | null;
  requestVersion: number | null;
  taskId: string | null;
  /** Whose entry it is to keys that may only see some workflows. */
  workflowKey: string | null;
  /** Ids, states, codes and hashes; never a name or free text. */
  content: Record<string, unknown>;
  personal: PersonalData[];
}
