import { SecretBox } from '@countersign/secret-box';
import { newPrivateKey, newSecret, publicKeyOf } from '@countersign/webhook-signature';
import { Injectable } from '@nestjs/common';
import type { Signing } from './endpoint';

export interface NewSecret {
  /** What is stored. */
  sealed: Buffer;
  publicKey: string | null;
  /** What the owner is shown, once: their secret, or nothing where the private key is ours alone. */
  shown: { secret?: string };
}

/** Signing secrets at rest: sealed, and bound to their endpoint. */
@Injectable()
export class EndpointSecrets {
  constructor(private readonly box: SecretBox) {}

  /** A new secret or key pair. */
  create(endpointId: string, signing: Signing): NewSecret {
    const secret = signing === 'hmac' ? newSecret() : newPrivateKey();
    const sealed = this.box.seal(secret, contextOf(endpointId));
    switch (signing) {
      case 'hmac':
        return { sealed, publicKey: null, shown: { secret } };
      case 'ed25519':
        return { sealed, publicKey: publicKeyOf(secret), shown: {} };
    }
  }

  /** Throws SecretBoxError when it was sealed under another key or for another endpoint. */
  open(endpointId: string, sealed: Buffer): string {
    return this.box.open(sealed, contextOf(endpointId)).toString('utf8');
  }
}

const contextOf = (endpointId: string): string => `endpoint:${endpointId}`;
