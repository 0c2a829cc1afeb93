import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { EventsController } from './feed/events.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';
import { ProofsController } from './proofs/proofs.controller';
import { TilesController } from './tiles/tiles.controller';
import { WitnessesController } from './witnesses/witnesses.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit')],
  controllers: [
    AuditController,
    EventsController,
    NotificationsController,
    ProofsController,
    TilesController,
    TransitionsController,
    WitnessesController,
  ],
  providers: [AuditLog],
})
export class AppModule {}
