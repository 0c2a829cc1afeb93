import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { ErasureModule } from '@countersign/erasure';
import { AnalyticsController } from './analytics/analytics.controller';
import { AnalyticsProjector } from './analytics/projection/analytics-projector';
import { Clock } from './clock';
import { AuditEraser } from './erasures/audit-eraser';
import { ErasureRunner } from './erasures/erasure-runner';
import { ErasuresController } from './erasures/erasures.controller';
import { FindSubject } from './erasures/find-subject';
import { SubjectErasedController } from './erasures/subject-erased.controller';
import { EventsController } from './feed/events.controller';
import { HoldsController } from './holds/holds.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { FactsController } from './log/facts.controller';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';
import { ProofsController } from './proofs/proofs.controller';
import { RetentionController } from './retention/retention.controller';
import { RetentionSweeper } from './retention/retention-sweeper';
import { SelfCheck } from './self-check/self-check';
import { SelfCheckController } from './self-check/self-check.controller';
import { SelfCheckSettings } from './self-check/self-check.settings';
import { TilesController } from './tiles/tiles.controller';
import { WitnessesController } from './witnesses/witnesses.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit'), ErasureModule.of('audit', AuditEraser)],
  controllers: [
    AnalyticsController,
    AuditController,
    ErasuresController,
    EventsController,
    FactsController,
    HoldsController,
    NotificationsController,
    ProofsController,
    RetentionController,
    SelfCheckController,
    SubjectErasedController,
    TilesController,
    TransitionsController,
    WitnessesController,
  ],
  providers: [
    AnalyticsProjector,
    AuditLog,
    Clock,
    ErasureRunner,
    FindSubject,
    RetentionSweeper,
    SelfCheck,
    SelfCheckSettings,
  ],
})
export class AppModule {}
