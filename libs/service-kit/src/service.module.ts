import { Module, type DynamicModule } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { Messaging, type UnitOfWork } from '@countersign/messaging';
import { SecretBox } from '@countersign/secret-box';
import { Registry } from 'prom-client';
import type { ServiceConfig } from './config';
import { HealthController } from './health.controller';
import { Idempotency } from './idempotency/idempotency';
import type { Log } from './log';
import { MetricsController } from './metrics/metrics.controller';

export const CONFIG = Symbol('CONFIG');
export const LOG = Symbol('LOG');
export const UNIT_OF_WORK = Symbol('UNIT_OF_WORK');
/** Pool of the small role that sees every workspace, for sweepers. */
export const SWEEPER = Symbol('SWEEPER');

export interface ServiceParts {
  config: ServiceConfig;
  log: Log;
  database: Database;
  relayDatabase: Database;
  unitOfWork: UnitOfWork;
  messaging: Messaging;
  registry: Registry;
}

/** What every service has, for injection: configuration, log, database, unit of work, idempotency, secrets. */
@Module({})
export class ServiceModule {
  static with(parts: ServiceParts): DynamicModule {
    const secrets = SecretBox.fromKey(parts.config.secretKey);
    const provided = [
      { provide: CONFIG, useValue: parts.config },
      { provide: LOG, useValue: parts.log },
      { provide: Database, useValue: parts.database },
      { provide: SWEEPER, useValue: parts.relayDatabase },
      { provide: UNIT_OF_WORK, useValue: parts.unitOfWork },
      { provide: Messaging, useValue: parts.messaging },
      { provide: Registry, useValue: parts.registry },
      { provide: SecretBox, useValue: secrets },
      { provide: Idempotency, useValue: new Idempotency(parts.database, parts.unitOfWork, secrets) },
    ];
    return {
      module: ServiceModule,
      global: true,
      // The gateway's port is everybody's: it tells its metrics elsewhere.
      controllers:
        parts.config.service === 'gateway' ? [HealthController] : [HealthController, MetricsController],
      providers: provided,
      exports: provided,
    };
  }
}
