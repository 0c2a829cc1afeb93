import type { OnNoApprovers } from '../definition/workflow-definition';
import { pointerTo } from '../problem';
import { describeDuration } from '../wording/describe-duration';
import { describeQuorum, describeRejectRule } from '../wording/describe-quorum';
import { describeSources } from '../wording/describe-source';
import { count, list } from '../wording/phrase';
import { sameJson } from '../canonical-json';
import { diffList } from './diff-list';
import { diffSources } from './diff-sources';
import { diffWhen } from './diff-when';
import { difference, type Difference } from './difference';
import type { FullStage } from './with-defaults';

type Key = keyof FullStage;
/** The phrases for one key of a stage; only asked when the two differ. */
type Differ<K extends Key> = (from: FullStage[K], to: FullStage[K], title: string) => string[];

const self = {
  forbid: 'the requester is left out',
  reroute: "the requester's own task goes to their manager",
  allow: 'the requester may decide as well',
};

const outcomes = {
  reject: 'the request is rejected',
  approve: 'the stage counts as approved',
  cancel: 'the request is canceled',
  expire: 'the request expires',
};

const comments = {
  optional: 'comments are optional',
  required: 'every decision needs a comment',
  'required-on-reject': 'a rejection needs a comment',
};

function nobody(rule: OnNoApprovers): string {
  if (rule === 'fail') return 'the request fails';
  if (rule === 'skip') return 'the stage is skipped';
  if (rule === 'approve') return 'the stage counts as approved';
  return `the task goes to ${describeSources(rule.fallback)}`;
}

function deadline(sla: FullStage['sla']): string {
  if (sla === null) return 'has no deadline';
  return `is due ${typeof sla === 'string' ? `after ${describeDuration(sla)}` : `as ${sla.field} says`}`;
}

function every(duration: string | null): string {
  return duration === null ? 'only once' : `every ${describeDuration(duration).replace(/^1 /, '')}`;
}

function escalation({ after, to, mode }: FullStage['escalate'][number]): string {
  const how = mode === 'add' ? 'as well' : 'instead of the approvers';
  return `after ${describeDuration(after)} the task goes to ${describeSources(to)} ${how}`;
}

function diffRemind(from: FullStage['remind'], to: FullStage['remind'], title: string): string[] {
  if (to === null) return [`${title} is no longer reminded`];
  const often = count(to.max, 'reminder');
  if (from === null) {
    const again = to.every === null ? '' : `, then ${every(to.every)}`;
    return [`${title} is now reminded after ${describeDuration(to.after)}${again}, with at most ${often}`];
  }
  const phrases: string[] = [];
  if (from.after !== to.after)
    phrases.push(
      `${title} is now reminded after ${describeDuration(to.after)} instead of ${describeDuration(from.after)}`,
    );
  if (from.every !== to.every)
    phrases.push(`${title} is now reminded ${every(to.every)} instead of ${every(from.every)}`);
  if (from.max !== to.max)
    phrases.push(`${title} now gets at most ${often} instead of ${count(from.max, 'reminder')}`);
  return phrases;
}

function diffExpire(from: FullStage['expire'], to: FullStage['expire'], title: string): string[] {
  if (to === null) return [`${title} no longer expires`];
  if (from === null)
    return [`${title} now expires after ${describeDuration(to.after)}: ${outcomes[to.outcome]} then`];
  const phrases: string[] = [];
  if (from.after !== to.after)
    phrases.push(
      `${title} now expires after ${describeDuration(to.after)} instead of ${describeDuration(from.after)}`,
    );
  if (from.outcome !== to.outcome)
    phrases.push(`when ${title} expires, now: ${outcomes[to.outcome]}; before: ${outcomes[from.outcome]}`);
  return phrases;
}

function diffEscalate(from: FullStage['escalate'], to: FullStage['escalate'], title: string): string[] {
  const { added, removed, reordered } = diffList(from, to);
  if (reordered) return [`the escalations of ${title} are listed in another order`];
  const [now, before] = [added[0], removed[0]];
  if (added.length === 1 && removed.length === 1 && now && before) {
    if (sameJson({ ...now, after: before.after }, before)) {
      const [late, early] = [describeDuration(now.after), describeDuration(before.after)];
      return [`${title} is now escalated after ${late} instead of ${early}`];
    }
    return [`${title} is now escalated differently: ${escalation(now)}; before, ${escalation(before)}`];
  }
  return [
    ...removed.map((gone) => `${title} is no longer escalated: ${escalation(gone)}`),
    ...added.map((added) => `${title} is now escalated: ${escalation(added)}`),
  ];
}

function diffNobody(
  from: FullStage['onNoApprovers'],
  to: FullStage['onNoApprovers'],
  title: string,
): string[] {
  return [`when nobody can be found for ${title}, now: ${nobody(to)}; before: ${nobody(from)}`];
}

/** Phrases for each key. Every key must be here, so that none is forgotten when the language grows. */
const differs: { [K in Key]: Differ<K> } = {
  key: (from, to) => [`the key of the stage ${from} is now ${to}`],
  title: (from, to) => [`the stage “${from}” is now called “${to}”`],
  when: (from, to, title) => [diffWhen(title, from, to)],
  approvers: (from, to, title) =>
    diffSources(from, to, {
      also: (who) => `${title} is now also decided by ${who}`,
      noLonger: (who) => `${title} is no longer decided by ${who}`,
      instead: (now, before) => `${title} is now decided by ${now} instead of ${before}`,
      name: `the approvers of ${title}`,
    }),
  order: (_, to, title) => [
    to === 'parallel'
      ? `the approvers of ${title} are now asked all at once instead of one after another`
      : `the approvers of ${title} are now asked one after another instead of all at once`,
  ],
  quorum: (from, to, title) => {
    const [now, before] = [describeQuorum(to), describeQuorum(from)];
    const counted = /^(\w+) approvals?$/;
    const shown = counted.test(now) ? before.replace(counted, '$1') : before;
    return [`${title} now needs ${now} instead of ${shown}`];
  },
  reject: (from, to, title) => [
    `${title} now ends as rejected ${describeRejectRule(to)}, instead of ${describeRejectRule(from)}`,
  ],
  selfApproval: (from, to, title) => [`in ${title}, now: ${self[to]}; before: ${self[from]}`],
  distinctFrom: (from, to, title) => {
    const { added, removed, reordered } = diffList(from, to);
    if (reordered) return [`the stages whose deciders may not decide ${title} are listed in another order`];
    return [
      ...added.map((key) => `whoever decides ${key} may no longer decide ${title}`),
      ...removed.map((key) => `whoever decides ${key} may now also decide ${title}`),
    ];
  },
  onNoApprovers: (from, to, title) => {
    if (typeof from === 'string' || typeof to === 'string') return diffNobody(from, to, title);
    return diffSources(from.fallback, to.fallback, {
      also: (who) => `when nobody can be found for ${title}, the task now also goes to ${who}`,
      noLonger: (who) => `when nobody can be found for ${title}, the task no longer goes to ${who}`,
      instead: (now, before) =>
        `when nobody can be found for ${title}, the task now goes to ${now} instead of to ${before}`,
      name: `the people asked when nobody can be found for ${title}`,
    });
  },
  onReject: (_, to, title) => [
    to === 'return'
      ? `a rejection in ${title} now returns the request to the requester instead of ending it`
      : `a rejection in ${title} now ends the request instead of returning it to the requester`,
  ],
  sla: (from, to, title) => [
    `${title} now ${deadline(to)}; before, it ${deadline(from).replace(/^is/, 'was').replace(/^has/, 'had')}`,
  ],
  remind: diffRemind,
  escalate: diffEscalate,
  expire: diffExpire,
  comment: (from, to, title) => [`in ${title}, now: ${comments[to]}; before: ${comments[from]}`],
  notify: (from, to, title) =>
    diffSources(from, to, {
      also: (who) => `${title} now also informs ${who}`,
      noLonger: (who) => `${title} no longer informs ${who}`,
      instead: (now, before) => `${title} now informs ${now} instead of ${before}`,
      name: `the people whom ${title} informs`,
    }),
  calendar: (from, to, title) => {
    const name = (calendar: string | null) =>
      calendar === null ? "the workflow's own calendar" : `the calendar ${calendar}`;
    return [`${title} now counts time by ${name(to)} instead of ${name(from)}`];
  },
  reads: (from, to, title) => {
    const { added, removed, reordered } = diffList(from, to);
    if (reordered) return [`what people look at in ${title} is listed in another order`];
    return [
      ...(added.length > 0 ? [`people who decide ${title} now also look at ${list(added)}`] : []),
      ...(removed.length > 0 ? [`people who decide ${title} no longer look at ${list(removed)}`] : []),
    ];
  },
};

function diffKey<K extends Key>(key: K, from: FullStage, to: FullStage, pointer: string): Difference[] {
  if (sameJson(from[key], to[key])) return [];
  const phrases = differs[key](from[key], to[key], to.title);
  return phrases.map((phrase) => difference(pointerTo(pointer, key), to.key, phrase));
}

/** How one stage changed, key by key. `pointer` is where the newer one is. */
export function diffStage(from: FullStage, to: FullStage, pointer: string): Difference[] {
  return (Object.keys(differs) as Key[]).flatMap((key) => diffKey(key, from, to, pointer));
}
