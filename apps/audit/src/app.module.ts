import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { AnalyticsController } from './analytics/analytics.controller';
import { AnalyticsProjector } from './analytics/projection/analytics-projector';
import { EventsController } from './feed/events.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit')],
  controllers: [
    AuditController,
    EventsController,
    TransitionsController,
    NotificationsController,
    AnalyticsController,
  ],
  providers: [AuditLog, AnalyticsProjector],
})
export class AppModule {}
