import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { ErasureModule } from '@countersign/erasure';
import { AuditEraser } from './erasures/audit-eraser';
import { ErasureRunner } from './erasures/erasure-runner';
import { ErasuresController } from './erasures/erasures.controller';
import { FindSubject } from './erasures/find-subject';
import { SubjectErasedController } from './erasures/subject-erased.controller';
import { EventsController } from './feed/events.controller';
import { HoldsController } from './holds/holds.controller';
import { AuditController } from './log/audit.controller';
import { AuditLog } from './log/audit-log';
import { NotificationsController } from './log/notifications.controller';
import { TransitionsController } from './log/transitions.controller';
import { Clock } from './clock';
import { RetentionController } from './retention/retention.controller';
import { RetentionSweeper } from './retention/retention-sweeper';

@Module({
  imports: [DirectoryReplicaModule.of('audit'), ErasureModule.of('audit', AuditEraser)],
  controllers: [
    AuditController,
    EventsController,
    TransitionsController,
    NotificationsController,
    ErasuresController,
    SubjectErasedController,
    HoldsController,
    RetentionController,
  ],
  providers: [AuditLog, Clock, ErasureRunner, FindSubject, RetentionSweeper],
})
export class AppModule {}
