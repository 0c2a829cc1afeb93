import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { ExportSchedulesController } from './export-schedules/export-schedules.controller';
import { ExportStores } from './export-schedules/export-stores';
import { ScheduleRunner } from './export-schedules/schedule-runner';
import { ExportController } from './export/export.controller';
import { RunningExports } from './export/running-exports';
import { EventsController } from './feed/events.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { NotificationsController } from './log/notifications.controller';
import { SyslogFollower } from './syslog/syslog-follower';
import { TransitionsController } from './log/transitions.controller';

@Module({
  imports: [DirectoryReplicaModule.of('audit')],
  controllers: [
    AuditController,
    ExportController,
    ExportSchedulesController,
    EventsController,
    TransitionsController,
    NotificationsController,
  ],
  providers: [AuditLog, RunningExports, SyslogFollower, ExportStores, ScheduleRunner],
})
export class AppModule {}
