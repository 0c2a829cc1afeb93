import { hkdfSync } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { AuthScheme, Scope } from '@countersign/contracts';

/** Header in which the gateway tells a service who is calling. Never accepted from outside. */
export const identityHeader = 'countersign-identity';

/** Who is calling: the workspace and key that the gateway has authenticated, and the person the key speaks for. */
export interface Identity {
  workspace: { id: string; name: string; kind: 'live' | 'sandbox' };
  key: { id: string; name: string; scopes: Scope[]; workflows: string[] | null };
  /** The user ref of `Countersign-Actor`, as given; whether there is such a person is for the service to find out. */
  actor: string | null;
  /** How the key came; absent where none did. */
  scheme?: AuthScheme;
}

/** How long a signed identity may be used, in seconds: revocation must hold within 10 s everywhere. */
const lifetimeSeconds = 5;
const issuer = 'countersign-gateway';
const mostCached = 10_000;

const keyOf = (secretKey: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', Buffer.from(secretKey, 'base64'), '', 'identity', 32));

/** Signs identities as short-lived JWTs (RFC 7519, HS256 with a key derived for this purpose alone). */
export class IdentitySigner {
  private readonly key: Uint8Array;

  constructor(secretKey: string) {
    this.key = keyOf(secretKey);
  }

  sign(identity: Identity): Promise<string> {
    return new SignJWT({ identity })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(issuer)
      .setIssuedAt()
      .setExpirationTime(`${lifetimeSeconds}s`)
      .sign(this.key);
  }
}

/** Verifies them, each token once: the gateway sends the same one while it lasts. */
export class IdentityVerifier {
  private readonly key: Uint8Array;
  private readonly verified = new Map<string, { identity: Identity; expiresAt: number }>();

  constructor(secretKey: string) {
    this.key = keyOf(secretKey);
  }

  /**
   * The identity; `expired` for one that was ours and came too late, which is our delay and not the caller's fault; null
   * for a token that is missing or forged.
   */
  async verify(token: string | undefined): Promise<Identity | 'expired' | null> {
    if (!token) return null;
    const known = this.verified.get(token);
    if (known) return known.expiresAt > Date.now() ? known.identity : 'expired';
    try {
      const { payload } = await jwtVerify<{ identity: Identity }>(token, this.key, {
        issuer,
        algorithms: ['HS256'],
        // A little tolerance, for clocks of different machines.
        clockTolerance: 2,
      });
      if (this.verified.size >= mostCached) this.verified.clear();
      this.verified.set(token, {
        identity: payload.identity,
        expiresAt: ((payload.exp ?? 0) + 2) * 1_000,
      });
      return payload.identity;
    } catch (error) {
      // The signature is checked before the time.
      return error instanceof errors.JWTExpired ? 'expired' : null;
    }
  }
}
