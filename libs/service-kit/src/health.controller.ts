import { Controller, Get, Inject } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { Messaging } from '@countersign/messaging';
import { ok, type Answer } from './http/answer';
import { Internal } from './http/operation';
import { Problem } from './http/problem';

/**
 * Live: the workers' loops and the relay's advance. Ready: PostgreSQL answers and the schema is there; never Redis, for requests
 * are taken while it is away (architecture §3.10).
 */
@Controller()
export class HealthController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Messaging) private readonly messaging: Messaging,
  ) {}

  @Get('healthz')
  @Internal()
  live(): Answer {
    const wedged = this.messaging.wedged();
    if (wedged.length > 0) throw new Problem('unavailable', `Standing still: ${wedged.join(', ')}.`);
    return ok({ status: 'live' });
  }

  @Get('readyz')
  @Internal()
  async ready(): Promise<Answer> {
    await this.database.everywhere((sql) => sql.query('SELECT 1 FROM migrations LIMIT 1'));
    return ok({ status: 'ready' });
  }
}
