/** One attempt at a webhook. Hashes are SHA-256 in hex, of a body's bytes. */
export interface CallEvidence {
  attempt: number;
  at: string;
  status: number | null;
  /** Milliseconds. */
  latencyMs: number | null;
  /** A code: `answered`, or why there is no answer. */
  result: string;
  /** Null when nothing was sent. */
  requestHash: string | null;
  /** Null when there was no answer, or too long a one. */
  answerHash: string | null;
  /** Nothing was sent: an answer of this time still held. The hashes are those of its call. */
  keptFrom?: string | null;
}

export interface GroupEvidence {
  id: string;
  version: number;
}

export interface WebhookEvidence {
  /** Without its query. */
  url: string;
  format: 'easylife' | 'countersign';
  /** The first 100 refs; null when it was not asked, or gave no answer that counts. */
  answered: string[] | null;
  /** The newest 20; none: it is asked when the stage starts. */
  calls: CallEvidence[];
}

/** Whom one source of the definition named, whether they may approve or not. Lists hold the first 100, and 1,000 together. */
export interface SourceEvidence {
  /** The place of the source in its stage's definition, such as `approvers.1.matrix.0.to.2`. */
  rule: string;
  kind: 'user' | 'group' | 'role' | 'levels' | 'limit' | 'webhook';
  /** How many refs it came to: of a field, an expression, a webhook's answer. */
  refs: number;
  /** How many people; null when nobody knows yet. */
  named: number | null;
  /** Their user ids. */
  people: string[];
  groups?: GroupEvidence[];
  /** Whose managers: user ids. */
  of?: string[];
  levels?: number;
  webhook?: WebhookEvidence;
}

/** Why somebody has the vote of somebody else: user ids. */
export interface StandInEvidence {
  /** Whose vote it is, and who has it. */
  of: string;
  holder: string;
  /** Ids of the delegations that lead from one to the other; `outOfOffice` for an absence. */
  delegations: string[];
}

/** What an answer about approvers rests on: at most 500 sources. */
export interface ResolutionEvidence {
  /** The number of changes of the workspace's directory. All up to this one were seen, and maybe some just after it. */
  directoryVersion: number;
  /** The moment for which absences and delegations were looked at. */
  at: string;
  sources: SourceEvidence[];
  /** The first 100; left out where nobody stands in for anybody. */
  standIns?: StandInEvidence[] | null;
}
