import { Controller, Post } from '@nestjs/common';
import {
  allowWorkflows,
  Call,
  Caller,
  EmptyBody,
  Idempotency,
  ok,
  Operation,
  recordFact,
  type Answer,
} from '@countersign/service-kit';
import { KnownActor } from '../directory/known-actor';
import { ResolverSecrets } from './resolver-secrets';

/** The secret that resolver webhooks verify our calls with. */
@Controller('v1/resolver-secret')
export class ResolverSecretController {
  constructor(
    private readonly secrets: ResolverSecrets,
    private readonly idempotency: Idempotency,
    private readonly actor: KnownActor,
  ) {}

  @Post('rotate')
  @Operation({
    scope: 'webhooks:write',
    trail: 'resolver_secret.rotated',
    summary: 'Make a new resolver secret; the old one also signs for 24 hours',
    answers: {
      200: {
        description: 'The new secret, shown once',
        schema: {
          type: 'object',
          required: ['secret'],
          properties: { secret: { type: 'string', pattern: '^whsec_' } },
        },
      },
    },
  })
  async rotate(@Caller() call: Call): Promise<Answer> {
    await call.body(EmptyBody);
    allowWorkflows(call, null, 'The resolver secret');
    const person = await this.actor.find(call);
    return this.idempotency.run(call, async (tx) => {
      const { id, secret } = await this.secrets.rotate(tx, call.workspaceId);
      recordFact(tx, call, person, { type: 'resolver_secret.rotated', content: { secretId: id } });
      return { ...ok({ secret }, { 'cache-control': 'no-store' }), secret: true };
    });
  }
}
