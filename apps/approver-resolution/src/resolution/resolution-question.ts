import type { ApproverQuestion, DelegationRule, SourceRule } from '@countersign/contracts';
import type { Cause, Message } from '@countersign/messaging';
import type { CallRecord } from '../resolver-webhook/resolver-call.store';
import { readSources, type ApproverSource, type WebhookSource } from './approver-source';

/** What decides who must approve. */
export interface SourcesQuestion {
  workspaceId: string;
  sources: ApproverSource[];
  exclude: string[];
  requesterId: string;
  /** Null, or absent in one that was kept before: nobody stands in for anybody. */
  delegations?: DelegationRule | null;
  /** What the sources were in the definition. Absent in one that was kept before. */
  rules?: SourceRule[];
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

/** What webhooks have said. */
export interface AnsweredSources {
  answers: ResolverAnswers;
  /** How they answered, attempt by attempt. */
  calls?: readonly CallRecord[];
}

/** A question whose answers from outside are all there. */
export interface AnsweredQuestion extends AnsweredSources {
  question: ResolutionQuestion;
  cause: Cause;
}

/** Throws PoisonMessage. */
export const sourcesQuestion = (
  workspaceId: string,
  {
    sources,
    exclude,
    requester,
    delegations,
    rules,
  }: Pick<ApproverQuestion, 'sources' | 'exclude' | 'requester' | 'delegations' | 'rules'>,
): SourcesQuestion => ({
  workspaceId,
  sources: readSources(sources),
  exclude,
  requesterId: requester.id,
  delegations: delegations ?? null,
  rules,
});

/** Throws PoisonMessage. */
export const questionOf = ({ workspaceId, data }: Message<'approvers.resolve.v1'>): ResolutionQuestion => ({
  ...sourcesQuestion(workspaceId, data),
  resolutionId: data.resolutionId,
  requestId: data.requestId,
  stageKey: data.stageKey,
});
