import { Module, type DynamicModule } from '@nestjs/common';
import type { ConsumerService } from '@countersign/contracts';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { UNIT_OF_WORK } from '@countersign/service-kit';
import { DirectoryReplicaController } from './directory-replica.controller';
import { People } from './people';

/** Gives a service its copy of the people it meets in calls: requesters, actors. */
@Module({})
export class DirectoryReplicaModule {
  static of(service: ConsumerService): DynamicModule {
    return {
      module: DirectoryReplicaModule,
      controllers: [DirectoryReplicaController],
      providers: [
        {
          provide: People,
          inject: [Database, UNIT_OF_WORK],
          useFactory: (database: Database, unitOfWork: UnitOfWork) =>
            new People(service, database, unitOfWork),
        },
      ],
      exports: [People],
    };
  }
}
