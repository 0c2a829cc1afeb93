import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { EventsController } from './feed/events.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { FactsController } from './log/facts.controller';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit')],
  controllers: [
    AuditController,
    EventsController,
    TransitionsController,
    NotificationsController,
    FactsController,
  ],
  providers: [AuditLog],
})
export class AppModule {}
