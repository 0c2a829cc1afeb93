import type { RequestState } from '../aggregate';
import { list, sentence } from '../wording/phrase';
import type { ReplayedRequest, ReplayedStage } from './replay-request';

const OUTCOMES: Partial<Record<RequestState, string>> = {
  completed: 'approved',
  pending_review: 'open',
  submitted: 'open',
  returned: 'returned to the requester',
};

const outcomeOf = ({ state }: ReplayedRequest): string => OUTCOMES[state] ?? state;

const withoutStop = (text: string): string => text.replace(/\.$/, '');

/** What differs in a stage that is asked both times. */
function compareAsked(before: ReplayedStage, after: ReplayedStage): string[] {
  const was = new Set(before.approvers.map(({ id }) => id));
  const is = new Set(after.approvers.map(({ id }) => id));
  const added = after.approvers.filter(({ id }) => !was.has(id));
  const removed = before.approvers.filter(({ id }) => !is.has(id));
  const differences: string[] = [];
  const newUrls = after.webhooks.filter((url) => !before.webhooks.includes(url));
  const oldUrls = before.webhooks.filter((url) => !after.webhooks.includes(url));
  if (newUrls.length > 0) differences.push(`${after.title} also asks whom ${list(newUrls)} names.`);
  if (oldUrls.length > 0) differences.push(`${after.title} does not ask whom ${list(oldUrls, 'or')} names.`);
  if (added.length > 0) {
    const names = added.map(({ userName, why }) => (why ? `${userName} (${withoutStop(why)})` : userName));
    differences.push(`${after.title} also asks ${list(names)}.`);
  }
  if (removed.length > 0) {
    differences.push(
      `${after.title} does not ask ${list(
        removed.map(({ userName }) => userName),
        'or',
      )}.`,
    );
  }
  if (after.needs !== before.needs && after.needs && before.needs) {
    differences.push(`${after.title}: ${after.needs} It was: ${before.needs}`);
  } else if (
    after.isSequential &&
    differences.length === 0 &&
    after.approvers.some(({ id }, index) => before.approvers[index]?.id !== id)
  ) {
    differences.push(
      `${after.title} asks ${list(after.approvers.map(({ userName }) => userName))} in this order.`,
    );
  }
  return differences;
}

function compareStage(before: ReplayedStage | undefined, after: ReplayedStage): string[] {
  const wasAsked = before?.outcome === 'asked';
  if (after.outcome === 'asked') {
    if (before && wasAsked) return compareAsked(before, after);
    return [
      after.because ? sentence(`${after.title} is asked: ${after.because}`) : `${after.title} is asked.`,
    ];
  }
  if (!wasAsked) return [];
  if (after.outcome === 'skipped') return [sentence(`${after.title} is skipped: ${after.because ?? ''}`)];
  if (after.outcome === 'failed') return [`${after.title} fails before anybody is asked.`];
  return [`${after.title} is not asked: the request ends before.`];
}

/** What another version would do differently with a request, in sentences; none when nothing differs. */
export function compareReplays(before: ReplayedRequest, after: ReplayedRequest): string[] {
  const earlier = new Map(before.stages.map((stage) => [stage.key, stage]));
  const kept = new Set(after.stages.map(({ key }) => key));
  const differences = after.stages.flatMap((stage) => compareStage(earlier.get(stage.key), stage));
  for (const stage of before.stages) {
    if (kept.has(stage.key) || stage.outcome !== 'asked') continue;
    differences.push(`${stage.title} is not asked: the version has no such stage.`);
  }
  const [was, is] = [outcomeOf(before), outcomeOf(after)];
  if (was !== is) {
    const why = after.failure ? ` (${withoutStop(after.failure.detail)})` : '';
    differences.push(`The outcome would be ${is}${why}, was ${was}.`);
  }
  return differences;
}
