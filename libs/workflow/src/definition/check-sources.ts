import type { Problem } from '../problem';
import { durationToMs } from './duration';
import {
  isObject,
  uncheckedSources,
  type Json,
  type Placed,
  type UncheckedSource,
} from './unchecked-definition';

/** The longest that one attempt at a resolver webhook may take. */
const MAX_WEBHOOK_TIMEOUT_MS = 60_000;

function webhookProblems(webhook: Json, pointer: string): Problem[] {
  const problems: Problem[] = [];
  if (typeof webhook.url === 'string') {
    const url = URL.canParse(webhook.url) ? new URL(webhook.url) : null;
    if (!url || !['http:', 'https:'].includes(url.protocol)) {
      problems.push({ pointer: `${pointer}/url`, message: 'Must be an absolute http or https address.' });
    } else if (url.username !== '' || url.password !== '') {
      problems.push({ pointer: `${pointer}/url`, message: 'Must not hold credentials.' });
    }
  }
  if (typeof webhook.timeout === 'string') {
    const ms = durationToMs(webhook.timeout);
    if (ms === null || ms <= 0 || ms > MAX_WEBHOOK_TIMEOUT_MS) {
      const message =
        'Must be an ISO 8601 duration of more than nothing and at most 60 seconds, such as PT10S.';
      problems.push({ pointer: `${pointer}/timeout`, message });
    }
  }
  return problems;
}

function sourceProblems({ value: source, pointer, place, inMatrix }: UncheckedSource): Problem[] {
  if (inMatrix && Object.hasOwn(source, 'matrix'))
    return [{ pointer: `${pointer}/matrix`, message: 'A row of a matrix must not hold another matrix.' }];
  if (isObject(source.manager) && source.manager.of === 'assignee' && place !== 'escalate') {
    const message = 'assignee is for escalate only: elsewhere nobody has been asked yet.';
    return [{ pointer: `${pointer}/manager/of`, message }];
  }
  if (!Object.hasOwn(source, 'webhook')) return [];
  if (place === 'escalate' || place === 'notify')
    return [{ pointer: `${pointer}/webhook`, message: `A webhook cannot be used in ${place}.` }];
  return isObject(source.webhook) ? webhookProblems(source.webhook, `${pointer}/webhook`) : [];
}

/** What is wrong with the sources of a stage beyond their form. */
export function checkSources(stage: Placed): Problem[] {
  return uncheckedSources(stage).flatMap(sourceProblems);
}
