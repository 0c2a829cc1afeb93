import type { CallEvidence, GroupVersion, SourceEvidence, WebhookEvidence } from '@countersign/contracts';
import type { MatchedGroup } from '../directory/match-groups';
import { shownRef } from './approver-list';
import type { ApproverSource, WebhookSource } from './approver-source';
import { targetKey, type AnsweredSources, type SourcesQuestion } from './resolution-question';
import type { CallRecord } from '../resolver-webhook/resolver-call.store';
import { shownUrl } from './shown-url';

/** So much is told of one answer, whatever a definition asks for: sources, and what is listed of all of them together. */
const mostSources = 500;
const mostListed = 1_000;
/** Of one source: people, groups and refs, and of calls the newest. */
const mostInList = 100;
const mostCalls = 20;

/** As much of a list as may still be told. */
type Listing = <T>(list: readonly T[]) => T[];

const newListing = (): Listing => {
  let left = mostListed;
  return (list) => {
    const listed = list.slice(0, Math.min(mostInList, left));
    left -= listed.length;
    return listed;
  };
};

/** What a resolution has found, source by source. */
export interface FoundSources extends AnsweredSources {
  /** Ids of those whom each source names. */
  named: readonly ReadonlySet<string>[];
  groupsOf: (ref: string) => readonly MatchedGroup[];
}

/** What each rule of the question came to, in their order: of the first 500, with 1,000 things listed in all. */
export const sourceEvidence = (
  { sources, rules = [] }: Pick<SourcesQuestion, 'sources' | 'rules'>,
  found: FoundSources,
): SourceEvidence[] => {
  const listed = newListing();
  let next = 0;
  return rules.slice(0, mostSources).flatMap(({ rule, count }) => {
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
        people: listed(people),
        ...particulars(first, own, found, listed),
      },
    ];
  });
};

/** What else there is to say of a rule; all its sources are of the kind of the first. */
const particulars = (
  first: ApproverSource,
  own: readonly ApproverSource[],
  found: FoundSources,
  listed: Listing,
): Partial<SourceEvidence> => {
  switch (first.kind) {
    case 'user':
    case 'role':
      return {};
    case 'group':
      return { groups: listed(own.flatMap((source) => groupOf(source, found))) };
    case 'levels':
      return { of: listed(startsOf(own)), levels: first.levels };
    case 'limit':
      return { of: listed(startsOf(own)) };
    case 'webhook':
      return webhookEvidence(first, found, listed);
  }
};

const groupOf = (source: ApproverSource, { groupsOf }: FoundSources): GroupVersion[] => {
  const [group, another] = source.kind === 'group' ? groupsOf(source.ref) : [];
  return group && !another ? [{ id: group.id, version: group.version }] : [];
};

const startsOf = (sources: readonly ApproverSource[]): string[] =>
  sources.flatMap((source) => ('of' in source ? [source.of] : []));

const webhookEvidence = (
  source: WebhookSource,
  { answers, calls = [] }: AnsweredSources,
  listed: Listing,
): Partial<SourceEvidence> => {
  const { url, format } = source;
  const answer = answers[targetKey(source)];
  const refs = answer && 'refs' in answer ? answer.refs : null;
  const own = calls.filter((call) => targetKey(call) === targetKey(source));
  const webhook: WebhookEvidence = {
    url: shownUrl(url),
    format,
    answered: refs && listed(refs).map(shownRef),
    calls: listed(own.slice(-mostCalls)).map(callEvidence),
  };
  return { refs: refs?.length ?? 0, ...(answer ? {} : { named: null }), webhook };
};

/** A call without its target, which the source says. */
const callEvidence = (call: CallRecord): CallEvidence => {
  const { attempt, at, status, latencyMs, result, requestHash, answerHash, keptFrom } = call;
  const kept = keptFrom ? { keptFrom } : {};
  return { attempt, at, status, latencyMs, result, requestHash, answerHash, ...kept };
};
