import { readRetrySchedule } from './retry-schedule';

describe('the retry schedule of resolver webhooks', () => {
  it.each([
    [undefined, [1_000, 5_000, 15_000]],
    [' ', [1_000, 5_000, 15_000]],
    ['PT0.2S', [200]],
    ['PT1S, PT1M', [1_000, 60_000]],
  ])('reads %j', (text, schedule) => {
    expect(readRetrySchedule(text)).toEqual(schedule);
  });

  it.each(['5', 'PT1S,', 'PT1S;PT2S', 'P1M'])('refuses %j by name', (text) => {
    expect(() => readRetrySchedule(text)).toThrow(/COUNTERSIGN_RESOLVER_RETRY: not an ISO 8601 duration/);
  });
});
