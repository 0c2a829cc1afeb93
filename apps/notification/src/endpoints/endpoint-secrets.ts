import { SecretBox } from '@countersign/secret-box';
import { newSecret } from '@countersign/webhook-signature';
import { Injectable } from '@nestjs/common';

/** Signing secrets at rest: sealed, and bound to their endpoint. */
@Injectable()
export class EndpointSecrets {
  constructor(private readonly box: SecretBox) {}

  /** A new secret and what is stored of it. */
  create(endpointId: string): { secret: string; sealed: Buffer } {
    const secret = newSecret();
    return { secret, sealed: this.box.seal(secret, contextOf(endpointId)) };
  }

  /** Throws SecretBoxError when it was sealed under another key or for another endpoint. */
  open(endpointId: string, sealed: Buffer): string {
    return this.box.open(sealed, contextOf(endpointId)).toString('utf8');
  }
}

const contextOf = (endpointId: string): string => `endpoint:${endpointId}`;
