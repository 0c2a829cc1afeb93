import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { AnalyticsController } from './analytics/analytics.controller';
import { AnalyticsProjector } from './analytics/projection/analytics-projector';
import { EventsController } from './feed/events.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';
import { ProofsController } from './proofs/proofs.controller';
import { SelfCheck } from './self-check/self-check';
import { SelfCheckController } from './self-check/self-check.controller';
import { SelfCheckSettings } from './self-check/self-check.settings';
import { TilesController } from './tiles/tiles.controller';
import { WitnessesController } from './witnesses/witnesses.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit')],
  controllers: [
    AuditController,
    EventsController,
    NotificationsController,
    ProofsController,
    SelfCheckController,
    TilesController,
    TransitionsController,
    WitnessesController,
    AnalyticsController,
  ],
  providers: [AuditLog, AnalyticsProjector, SelfCheck, SelfCheckSettings],
})
export class AppModule {}
