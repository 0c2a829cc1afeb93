import { Inject, Injectable } from '@nestjs/common';
import type { AuthScheme } from '@countersign/contracts';
import { CONFIG, IdentitySigner, Problem, type ServiceConfig } from '@countersign/service-kit';
import { KeyLookup, type KnownKey } from '../keys/key-lookup';
import { keyOf } from './credentials';
import { RateLimits } from './rate-limits';

/** A signed identity holds for 5 s; it goes out only while this much of them is left, in seconds. */
const usableSeconds = 5 - 2;
const mostTokens = 10_000;

/** Finds out whose key a call carries, and vouches for it to the services. */
@Injectable()
export class Authenticator {
  private readonly signer: IdentitySigner;

  constructor(
    @Inject(CONFIG) config: ServiceConfig,
    private readonly lookup: KeyLookup,
    private readonly limits: RateLimits,
  ) {
    this.signer = new IdentitySigner(config.secretKey);
  }

  /** The key of a call. Throws Problem unauthenticated, or rate_limited for an address that keeps failing. */
  async authenticate(authorization: string | undefined, remoteAddress: string): Promise<KnownKey> {
    const secret = keyOf(authorization);
    const known = secret === null ? null : this.lookup.recall(secret);
    if (known) return known;
    await this.limits.admitStranger(remoteAddress);
    const key = secret === null ? null : await this.lookup.find(secret);
    if (key) return key;
    await this.limits.failed(remoteAddress);
    throw new Problem('unauthenticated', 'A valid API key is needed.', {
      // Two fields: browsers do not ask for a password when the challenges share one.
      headers: { 'www-authenticate': ['Bearer realm="countersign"', 'Basic realm="countersign"'] },
    });
  }

  /** A signed identity of the key acting for `actor`, the same one while it is fresh. */
  async vouch(key: KnownKey, actor: string | null, scheme: AuthScheme): Promise<string> {
    const name = `${scheme} ${actor ?? ''}`;
    const known = key.tokens.get(name);
    if (known && known.renewAt > Date.now()) return known.token;
    // Times in a token are whole seconds.
    const signedAt = Math.floor(Date.now() / 1_000);
    const token = await this.signer.sign({ ...key.identity, actor, scheme });
    if (key.tokens.size >= mostTokens) key.tokens.clear();
    key.tokens.set(name, { token, renewAt: (signedAt + usableSeconds) * 1_000 });
    return token;
  }
}
