import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { CONFIG, LOG, type Log, type ServiceConfig } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { hashOf } from './api-key';

/** Shorter than this it may be guessed; a generated key has 51 characters. */
const safeLength = 32;

/** Makes the key of COUNTERSIGN_ADMIN_KEY work: root, in the workspace `default`. Without the variable the root key stays as it is. */
@Injectable()
export class AdminKey implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: ServiceConfig,
    @Inject(LOG) private readonly log: Log,
    private readonly database: Database,
  ) {}

  async onModuleInit(): Promise<void> {
    const key = this.config.env.COUNTERSIGN_ADMIN_KEY?.trim();
    if (!key) return;
    if (key.length < safeLength)
      this.log.warn(`COUNTERSIGN_ADMIN_KEY should have ${safeLength} characters or more`);
    await this.database.transaction([], (sql) =>
      sql.query('SELECT ensure_admin_key($1, $2, $3)', [hashOf(key), v7(), v7()]),
    );
  }
}
