import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Scope } from '@countersign/contracts';
import { Call } from './call';
import { identityHeader, type IdentityVerifier } from './identity';
import { queryMetadata, scopeMetadata, type CallRequest } from './operation';
import { Problem } from './problem';

/** Lets in whom the gateway vouches for, with the scope that the route names. */
@Injectable()
export class IdentityGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly verifier: IdentityVerifier) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const scope = this.reflector.get<Scope | 'any' | 'none' | undefined>(scopeMetadata, context.getHandler());
    if (scope === 'none') return true;
    if (!scope)
      throw new Error(`route without a scope: ${context.getClass().name}.${context.getHandler().name}`);
    const request = context.switchToHttp().getRequest<CallRequest>();
    const identity = await this.verifier.verify(request.header(identityHeader));
    if (!identity) throw new Problem('unauthenticated', 'A valid API key is needed.');
    if (identity === 'expired') {
      throw new Problem('unavailable', 'The call came to its service too late. Try again.', {
        headers: { 'retry-after': '1' },
      });
    }
    const call = new Call(request, identity);
    if (scope !== 'any' && !call.has(scope)) throw insufficientScope(scope);
    if (identity.actor !== null && !call.has('act-as')) throw insufficientScope('act-as');
    if (!this.reflector.get<boolean>(queryMetadata, context.getHandler())) call.query(NoQuery);
    request.call = call;
    return true;
  }
}

/** Of a route that takes no query parameters. */
class NoQuery {}

export const insufficientScope = (scope: Scope): Problem =>
  new Problem('insufficient_scope', `The key lacks the scope ${scope}.`, {
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  });
