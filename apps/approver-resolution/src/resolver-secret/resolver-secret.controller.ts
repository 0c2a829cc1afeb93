import { Controller, Post } from '@nestjs/common';
import { Call, Caller, Idempotency, ok, Operation, Problem, type Answer } from '@countersign/service-kit';
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
    await refuseMembers(call);
    await this.actor.check(call);
    return this.idempotency.run(call, async (tx) => ({
      ...ok({ secret: await this.secrets.rotate(tx, call.workspaceId) }, { 'cache-control': 'no-store' }),
      secret: true,
    }));
  }
}

/** The call takes no body, or an empty object. */
const refuseMembers = async (call: Call): Promise<void> => {
  const body = (await call.json()) ?? {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw Problem.invalid([{ pointer: '', message: 'An object is expected.' }]);
  }
  const members = Object.keys(body);
  if (members.length > 0) {
    throw Problem.invalid(
      members.map((name) => ({
        pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        message: 'There is no such member.',
      })),
    );
  }
};
