import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
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
    EventsController,
    TransitionsController,
    NotificationsController,
  ],
  providers: [AuditLog, RunningExports, SyslogFollower],
})
export class AppModule {}
