import type { OutboundResult } from '@countersign/outbound-http';
import { nextDelayMs, retryAfterMs } from '../deliveries/retry-schedule';
import type { ChatOutcome, LeasedChat } from './chat-message.rows';

/** Teams has answered so with status 200 when it could not post. */
const teamsFailure = /^Webhook message delivery failed/i;

type Verdict = Omit<ChatOutcome, 'messageId' | 'channelId' | 'workspaceId' | 'personId' | 'attempt'>;

const clean = (text: string): string => text.replaceAll('\0', '').slice(0, 500).toWellFormed();

/**
 * What the result of a call means for its message. What another attempt cannot mend is not tried again: 4xx but for
 * timeouts and limits; 404 and 410 say that the channel is gone.
 * @param random 0 to 1
 * @param longestMs what would be tried again later than that is given up
 */
export const chatVerdict = (
  { tries }: Pick<LeasedChat, 'tries'>,
  call: OutboundResult,
  now: Date,
  schedule: readonly number[],
  random: number,
  longestMs = Infinity,
): Verdict => {
  const base = { delayMs: null, isTry: true, isGone: false };
  if (call.kind === 'refused')
    return { ...base, state: 'failed', error: `${call.reason}: ${clean(call.detail)}` };
  const again = (error: string, asked = 0): Verdict => {
    const delayMs = nextDelayMs(schedule, tries + 1, random, asked);
    return delayMs === null || delayMs > longestMs
      ? { ...base, state: 'failed', error }
      : { ...base, state: 'pending', delayMs, error };
  };
  if (call.kind === 'failed') return again(`${call.reason}: ${clean(call.detail)}`);
  const { status, headers, body } = call;
  // The server's own words help, and are not ours to trust.
  const said = clean(body.subarray(0, 200).toString('utf8'));
  const error = `answered ${status}${said ? `: ${said}` : ''}`;
  if (status >= 200 && status < 300) {
    return teamsFailure.test(said) ? again(error) : { ...base, state: 'sent', error: null };
  }
  if (status >= 500 || status === 408 || status === 429)
    return again(error, retryAfterMs(headers['retry-after'], now.getTime()));
  return { ...base, state: 'failed', error, isGone: status === 404 || status === 410 };
};
