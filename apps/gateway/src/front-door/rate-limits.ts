import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, numberOf, Problem, type ServiceConfig } from '@countersign/service-kit';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const defaultQuota = 5_000;
const windowSeconds = 1;
/** Calls without a valid key that one address may make in a second: guessing keys is hopeless anyway, this saves the database. */
const failureQuota = 100;
/** A person at a page, with a scanner beside them: of one link, and of one address, which may be that of a whole company. */
const pageQuota = { link: 10, address: 200 };

/** What a call has left of its key's quota, as the headers that say so (draft-ietf-httpapi-ratelimit-headers-09). */
export type QuotaHeaders = { 'ratelimit-policy': string; ratelimit: string };

/** Quotas per second and gateway process: calls per key, failures to authenticate per address. */
@Injectable()
export class RateLimits {
  private readonly quota: number;
  private readonly policy: string;
  private readonly calls: RateLimiterMemory;
  private readonly failures: RateLimiterMemory;
  private readonly links = new RateLimiterMemory({ points: pageQuota.link, duration: windowSeconds });
  private readonly visitors = new RateLimiterMemory({ points: pageQuota.address, duration: windowSeconds });

  constructor(@Inject(CONFIG) config: ServiceConfig) {
    this.quota = numberOf(config.env, 'COUNTERSIGN_RATE_LIMIT', defaultQuota, [1, 1_000_000]);
    this.policy = `"default";q=${this.quota};w=${windowSeconds}`;
    this.calls = new RateLimiterMemory({ points: this.quota, duration: windowSeconds });
    this.failures = new RateLimiterMemory({ points: failureQuota, duration: windowSeconds });
  }

  /** Counts a call of a key. Throws Problem rate_limited, with the same headers, when its quota is used up. */
  async call(keyId: string): Promise<QuotaHeaders> {
    const [allowed, state] = await consume(this.calls, keyId);
    const headers = {
      'ratelimit-policy': this.policy,
      ratelimit: `"default";r=${state.remainingPoints};t=${secondsUntil(state)}`,
    };
    if (!allowed) throw refusal(`This key has used up its ${this.quota} calls a second.`, state, headers);
    return headers;
  }

  /** Refuses an address that has failed too often: throws Problem rate_limited. */
  async admitStranger(address: string): Promise<void> {
    const state = await this.failures.get(address);
    if (state && state.consumedPoints >= failureQuota)
      throw refusal('Too many calls without a valid key.', state);
  }

  /** Counts a call for the page of a decision link. Throws Problem rate_limited. */
  async visit(address: string, token: string): Promise<void> {
    for (const [limiter, key] of [
      [this.visitors, address],
      [this.links, token],
    ] as const) {
      const [allowed, state] = await consume(limiter, key);
      if (!allowed) throw refusal('Too many calls for this page.', state);
    }
  }

  async failed(address: string): Promise<void> {
    await consume(this.failures, address);
  }
}

const consume = async (limiter: RateLimiterMemory, key: string): Promise<[boolean, RateLimiterRes]> => {
  try {
    return [true, await limiter.consume(key)];
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return [false, refused];
    throw refused;
  }
};

const secondsUntil = ({ msBeforeNext }: RateLimiterRes): number =>
  Math.max(1, Math.ceil(msBeforeNext / 1_000));

const refusal = (detail: string, state: RateLimiterRes, headers: Record<string, string> = {}): Problem =>
  new Problem('rate_limited', detail, {
    headers: { ...headers, 'retry-after': String(secondsUntil(state)) },
  });
