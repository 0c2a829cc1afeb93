import type { Cause, Message } from '@countersign/messaging';
import { readSources, type ApproverSource } from './approver-source';

/** What has to be resolved, as it is kept while webhooks are asked. */
export interface ResolutionQuestion {
  resolutionId: string;
  workspaceId: string;
  requestId: string;
  stageKey: string;
  sources: ApproverSource[];
  exclude: string[];
  requester: { id: string; displayName: string; userName: string };
}

/** What a resolver webhook answered: refs, or why it counts as nobody. */
export type ResolverAnswer = { refs: string[] } | { failure: string };

/** Answers by URL. */
export type ResolverAnswers = Record<string, ResolverAnswer>;

/** A question whose answers from outside are all there. */
export interface AnsweredQuestion {
  question: ResolutionQuestion;
  answers: ResolverAnswers;
  cause: Cause;
  /** How the webhooks answered, attempt by attempt. */
  calls?: unknown[];
}

/** Throws PoisonMessage. */
export const questionOf = ({ workspaceId, data }: Message<'approvers.resolve.v1'>): ResolutionQuestion => ({
  resolutionId: data.resolutionId,
  workspaceId,
  requestId: data.requestId,
  stageKey: data.stageKey,
  sources: readSources(data.sources),
  exclude: data.exclude,
  requester: {
    id: data.requester.id,
    displayName: data.requester.displayName,
    userName: data.requester.userName,
  },
});
