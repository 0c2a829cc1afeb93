import type { Person, Resolution } from '../aggregate';
import type { ResolvedPerson } from '../decider/commands';
import type { ResolveApproversEffect } from '../decider/decision';
import type { CompiledStage } from '../definition/compiled-definition';
import type { SimulationAnswer } from './simulation';

interface Assumption {
  question: ResolveApproversEffect;
  /** What the directory says. */
  answer: SimulationAnswer;
  counts: Resolution['counts'];
  rule: CompiledStage;
  requesterId: string;
  /** Who decides in the stage, as the simulation was told. */
  deciders: readonly Person[];
  newId: () => string;
}

interface Assumed {
  answer: SimulationAnswer;
  webhooks: string[];
  /** Nobody in particular: whoever the webhooks may name. */
  standIns: Person[];
}

/** An address as people are shown it: the query may hold what is not for them. */
function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** How many more people the stage needs before its quorum can be met at all; at least one person in any case. */
function missing({ rule, counts, requesterId }: Assumption, found: readonly ResolvedPerson[]): number {
  const asked = found.filter(
    ({ person, sources }) =>
      sources.some((source) => source < counts.approvers) &&
      (person.id !== requesterId || rule.selfApproval === 'allow'),
  );
  const { quorum } = rule;
  if (typeof quorum === 'object' && 'each' in quorum) {
    let from = counts.approvers;
    const short = quorum.each.map(({ approvals }, index) => {
      const to = from + (counts.parts[index] ?? 0);
      const members = asked.filter(({ sources }) => sources.some((source) => source >= from && source < to));
      from = to;
      return approvals - members.length;
    });
    return Math.max(0, ...short);
  }
  const needed = typeof quorum === 'object' && 'approvals' in quorum ? quorum.approvals : 1;
  return Math.max(0, needed - asked.length);
}

/**
 * The directory's answer together with whom the webhooks of the question are taken to name, as a simulation asks none of
 * them: those who are said to decide in the stage; without any, or where the quorum needs more, somebody unknown.
 */
export function withAssumedApprovers(assumption: Assumption): Assumed {
  const { question, answer, deciders, newId } = assumption;
  const webhooks = question.sources.flatMap((source, index) =>
    'webhook' in source ? [{ index, url: shownUrl(source.webhook.url) }] : [],
  );
  const [webhook] = webhooks;
  if (!webhook) return { answer, webhooks: [], standIns: [] };
  const approvers = [...answer.approvers];
  let named = 0;
  for (const person of new Map(deciders.map((one) => [one.id, one])).values()) {
    const at = approvers.findIndex((found) => found.person.id === person.id);
    const known = approvers[at];
    if (known?.sources.some((source) => source < assumption.counts.approvers)) continue;
    if (question.exclude.includes(person.id)) continue;
    const sources = [...new Set([...(known?.sources ?? []), webhook.index])].sort((a, b) => a - b);
    const why = [...(known?.why ?? []), `Taken as named by ${webhook.url}`];
    const found = { person, why, sources };
    if (known) approvers[at] = found;
    else approvers.push(found);
    named++;
  }
  const unknown = Math.max(missing(assumption, approvers), named > 0 ? 0 : 1);
  const standIns = Array.from({ length: unknown }, (): Person => {
    const name = `whoever ${webhook.url} names`;
    return { id: newId(), externalId: null, userName: name, displayName: name, email: null };
  });
  // They may stand for anybody: they count for every part of the quorum.
  const everywhere = question.sources.map((_, index) => index);
  approvers.push(...standIns.map((person) => ({ person, why: [], sources: everywhere })));
  return { answer: { ...answer, approvers }, webhooks: webhooks.map(({ url }) => url), standIns };
}
