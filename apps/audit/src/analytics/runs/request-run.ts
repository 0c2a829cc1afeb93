/** A stage of a request from the moment it is reached to the moment it is left; one that starts again is another run. */
export interface StageRun {
  /** When the request reached the stage: its approvers are asked for. */
  since: string;
  /** When somebody was asked; null while approvers are being looked for. */
  startedAt: string | null;
  /** Ids of the groups whose members its sources named. */
  groups: string[];
  /** The trail says that a task of it was overdue. */
  breached: boolean;
}

/** What has to be remembered of a request to measure it. JSON only. */
export interface RequestRun {
  requester: string | null;
  region: string | null;
  department: string | null;
  /** First submission; null while it is a draft. */
  submittedAt: string | null;
  returns: number;
  /** Somebody has decided a task. */
  decided: boolean;
  overridden: boolean;
  breached: boolean;
  groups: string[];
  /** Open runs by the stage's key. */
  stages: Record<string, StageRun>;
  /** Open tasks by id. */
  tasks: Record<string, { stage: string; since: string }>;
  /** It has ended, and nothing that comes counts any more. */
  over: boolean;
}

export const newRun = (): RequestRun => ({
  requester: null,
  region: null,
  department: null,
  submittedAt: null,
  returns: 0,
  decided: false,
  overridden: false,
  breached: false,
  groups: [],
  stages: {},
  tasks: {},
  over: false,
});
