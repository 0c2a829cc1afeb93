import type { CallEvidence, SourceEvidence, WebhookEvidence } from '@countersign/contracts';
import type { MatchedGroup } from '../directory/match-groups';
import { shownRef } from './approver-list';
import type { ApproverSource, WebhookSource } from './approver-source';
import { targetKey, type AnsweredSources, type SourcesQuestion } from './resolution-question';
import { shownUrl } from './shown-url';

/** Of people, groups and refs, as many are listed; of calls the newest. */
const mostListed = 100;
const mostCalls = 50;

/** What a resolution has found, source by source. */
export interface FoundSources extends AnsweredSources {
  /** Ids of those whom each source names. */
  named: readonly ReadonlySet<string>[];
  groupsOf: (ref: string) => readonly MatchedGroup[];
}

/** What each rule of the question came to, in their order. */
export const sourceEvidence = (
  { sources, rules = [] }: Pick<SourcesQuestion, 'sources' | 'rules'>,
  found: FoundSources,
): SourceEvidence[] => {
  let next = 0;
  return rules.flatMap(({ rule, count }) => {
    const from = next;
    next += count;
    const own = sources.slice(from, next);
    const [first] = own;
    if (!first) return [];
    const people = [...new Set(found.named.slice(from, next).flatMap((ids) => [...ids]))];
    return [
      {
        rule,
        kind: first.kind,
        refs: own.length,
        named: people.length,
        people: people.slice(0, mostListed),
        ...particulars(first, own.slice(0, mostListed), found),
      },
    ];
  });
};

/** What else there is to say of a rule; all its sources are of the kind of the first. */
const particulars = (
  first: ApproverSource,
  own: readonly ApproverSource[],
  found: FoundSources,
): Partial<SourceEvidence> => {
  switch (first.kind) {
    case 'user':
    case 'role':
      return {};
    case 'group':
      return {
        groups: own.flatMap((source) => {
          const [group, another] = source.kind === 'group' ? found.groupsOf(source.ref) : [];
          return group && !another ? [{ id: group.id, version: group.version }] : [];
        }),
      };
    case 'levels':
      return { of: startsOf(own), levels: first.levels };
    case 'limit':
      return { of: startsOf(own) };
    case 'webhook':
      return webhookEvidence(first, found);
  }
};

const startsOf = (sources: readonly ApproverSource[]): string[] =>
  sources.flatMap((source) => ('of' in source ? [source.of] : []));

const webhookEvidence = (
  source: WebhookSource,
  { answers, calls = [] }: AnsweredSources,
): Partial<SourceEvidence> => {
  const { url, format } = source;
  const answer = answers[targetKey(source)];
  const refs = answer && 'refs' in answer ? answer.refs : null;
  const webhook: WebhookEvidence = {
    url: shownUrl(url),
    format,
    answered: refs && refs.slice(0, mostListed).map(shownRef),
    calls: calls
      .filter((call) => targetKey(call) === targetKey(source))
      .slice(-mostCalls)
      .map(({ attempt, at, status, latencyMs, result, requestHash, answerHash, keptFrom }): CallEvidence => ({
        attempt,
        at,
        status,
        latencyMs,
        result,
        requestHash,
        answerHash,
        ...(keptFrom ? { keptFrom } : {}),
      })),
  };
  return { refs: refs?.length ?? 0, ...(answer ? {} : { named: null }), webhook };
};
