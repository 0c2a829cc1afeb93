import type { DecisionKind, RequestState, TaskState } from '@countersign/contracts';

/** A mail's subject begins with a word or two, the request's title follows. */
interface Said {
  subject: string;
}

interface SaidToAll extends Said {
  sentence: string;
}

/** Every sentence of the mails. What people wrote is passed in as it is, and escaped where it is rendered. */
export interface MailTexts {
  hello: (name: string) => string;
  /** Under every mail; without a name where nobody knows the workspace's. */
  sentBy: (workspace: string) => string;
  nobody: string;
  others: (count: number) => string;

  labels: Record<
    | 'title'
    | 'reason'
    | 'requester'
    | 'workflow'
    | 'reference'
    | 'stage'
    | 'due'
    | 'task'
    | 'request'
    | 'by'
    | 'why'
    | 'reasonCode'
    | 'comment'
    | 'failure',
    string
  >;
  version: (workflow: string, version: number) => string;
  stageOf: (title: string, number: number, total: number) => string;
  requested: string;
  decisions: string;
  /** `Line manager – Bob: approved (22 Nov 2026, 08:30 UTC)`. */
  decisionOf: (stage: string, name: string, state: TaskState, at: string) => string;

  decideLink: string;
  decideHint: (expires: string) => string;
  taskLink: string;
  requestLink: string;

  digest: { subject: (questions: number, news: number) => string; sentence: string };
  /** What it would have said is gone. */
  erased: SaidToAll;

  asked: Said & {
    /** With the requester's name; `forYou` when nobody is stood in for. */
    sentence: (requester: string, forYou: boolean) => string;
    onBehalfOf: (name: string) => string;
  };
  reminded: Said & { sentence: (requester: string) => string };
  overdue: Said & { sentence: (requester: string) => string };
  reassigned: Said & { sentence: (to: string | null) => string };
  decidedForYou: Said & { sentence: (name: string | null, decision: DecisionKind | null) => string };
  dismissed: Said & { sentence: string };

  outcomes: Record<
    'approved' | 'rejected' | 'returned' | 'canceled' | 'expired' | 'failed',
    Said & { sentence: string }
  >;
  /** By code; for one that is not here the sentence that came with it. */
  failures: Partial<Record<string, string>>;
  overridden: Record<'approved' | 'rejected', Said & { sentence: string }>;
  /** Whoever still has to decide was reminded. */
  remindedForRequester: Said & { sentence: (people: string, several: boolean) => string };
  overdueForRequester: Said & { sentence: (waitingFor: string) => string };
  escalated: Said & { sentence: (to: string | null, several: boolean, instead: boolean) => string };
  tasksExpired: Said & { sentence: (people: string, several: boolean) => string };

  forYourInformation: Said & {
    undecided: (requester: string) => string;
    decided: (requester: string, state: RequestState) => string;
  };
  /** To a channel that several people read. */
  channel: {
    submitted: (requester: string) => SaidToAll;
    outcome: (subject: string, requester: string) => SaidToAll;
    assigned: (assignee: string, requester: string) => SaidToAll;
    reminded: (assignee: string, requester: string) => SaidToAll;
    overdue: (assignee: string, requester: string) => SaidToAll;
    escalated: (to: string, requester: string) => SaidToAll;
    decided: (name: string, decision: DecisionKind, requester: string) => SaidToAll;
    /** Somebody tries the channel; of a workspace whose name is not known it is empty. */
    tested: (channel: string, workspace: string) => SaidToAll;
  };
  commented: Said & { sentence: (author: string | null) => string };
  /** To whoever has made the endpoint. */
  endpointDisabled: {
    subject: (name: string) => string;
    sentences: string[];
    labels: Record<'address' | 'description' | 'reason', string>;
    link: string;
  };
}
