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
import { ExportSchedulesController } from './export-schedules/export-schedules.controller';
import { ExportStores } from './export-schedules/export-stores';
import { ScheduleRunner } from './export-schedules/schedule-runner';
import { ExportController } from './export/export.controller';
import { RunningExports } from './export/running-exports';
import { EventsController } from './feed/events.controller';
import { HoldsController } from './holds/holds.controller';
import { AuditLog } from './log/audit-log';
import { AuditController } from './log/audit.controller';
import { FactsController } from './log/facts.controller';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';
import { ProofsController } from './proofs/proofs.controller';
import { RetentionSweeper } from './retention/retention-sweeper';
import { RetentionController } from './retention/retention.controller';
import { SelfCheck } from './self-check/self-check';
import { SelfCheckController } from './self-check/self-check.controller';
import { SelfCheckSettings } from './self-check/self-check.settings';
import { SyslogFollower } from './syslog/syslog-follower';
import { TilesController } from './tiles/tiles.controller';
import { WitnessesController } from './witnesses/witnesses.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit'), ErasureModule.of('audit', AuditEraser)],
  controllers: [
    AnalyticsController,
    AuditController,
    ErasuresController,
    EventsController,
    ExportController,
    ExportSchedulesController,
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
    ExportStores,
    FindSubject,
    RetentionSweeper,
    RunningExports,
    ScheduleRunner,
    SelfCheck,
    SelfCheckSettings,
    SyslogFollower,
  ],
})
export class AppModule {}
