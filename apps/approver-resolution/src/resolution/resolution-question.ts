import type { ApproverQuestion, DelegationRule } from '@countersign/contracts';
import type { Cause, Message } from '@countersign/messaging';
import { readSources, type ApproverSource, type WebhookSource } from './approver-source';

/** What decides who must approve. */
export interface SourcesQuestion {
  workspaceId: string;
  sources: ApproverSource[];
  exclude: string[];
  requesterId: string;
  /** Null, or absent in one that was kept before: nobody stands in for anybody. */
  delegations?: DelegationRule | null;
}

/** What has to be resolved, as it is kept while webhooks are asked. */
export interface ResolutionQuestion extends SourcesQuestion {
  resolutionId: string;
  requestId: string;
  stageKey: string;
}

/** What a resolver webhook answered: refs, or why it counts as nobody. */
export type ResolverAnswer = { refs: string[] } | { failure: string };

/** Answers by `targetKey`. */
export type ResolverAnswers = Record<string, ResolverAnswer>;

/** A URL is asked once a resolution, in each format that its sources name. */
export const targetKey = ({ url, format }: Pick<WebhookSource, 'url' | 'format'>): string =>
  `${format} ${url}`;

/** A question whose answers from outside are all there. */
export interface AnsweredQuestion {
  question: ResolutionQuestion;
  answers: ResolverAnswers;
  cause: Cause;
  /** How the webhooks answered, attempt by attempt. */
  calls?: unknown[];
}

/** Throws PoisonMessage. */
export const sourcesQuestion = (
  workspaceId: string,
  {
    sources,
    exclude,
    requester,
    delegations,
  }: Pick<ApproverQuestion, 'sources' | 'exclude' | 'requester' | 'delegations'>,
): SourcesQuestion => ({
  workspaceId,
  sources: readSources(sources),
  exclude,
  requesterId: requester.id,
  delegations: delegations ?? null,
});

/** Throws PoisonMessage. */
export const questionOf = ({ workspaceId, data }: Message<'approvers.resolve.v1'>): ResolutionQuestion => ({
  ...sourcesQuestion(workspaceId, data),
  resolutionId: data.resolutionId,
  requestId: data.requestId,
  stageKey: data.stageKey,
});
