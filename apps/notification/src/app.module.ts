import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { ErasureModule } from '@countersign/erasure';
import { NotificationEraser } from './erasure/notification-eraser';
import { Module } from '@nestjs/common';
import { ChatChannelsController } from './chat/chat-channels.controller';
import { ChatDispatcher } from './chat/chat-dispatcher';
import { Clock } from './clock';
import { AttemptController } from './deliveries/attempt.controller';
import { DeliveriesController } from './deliveries/deliveries.controller';
import { DeliveryDispatcher } from './deliveries/delivery-dispatcher';
import { WebhookSettings } from './deliveries/webhook.settings';
import { EndpointSecrets } from './endpoints/endpoint-secrets';
import { EndpointsController } from './endpoints/endpoints.controller';
import { EventTypesController } from './events/event-types.controller';
import { CapturedMailController } from './mail/captured-mail.controller';
import { DecisionTokens } from './mail/decision-tokens';
import { HeldMails } from './mail/held-mails';
import { MailDispatcher } from './mail/mail-dispatcher';
import { MailSettings } from './mail/mail.settings';
import { SendController } from './mail/send.controller';
import { AuditHappenedController } from './operations/audit-happened.controller';
import { PreferencesController } from './preferences/preferences.controller';
import { TransitionController } from './transitions/transition.controller';
import { UntoldSweeper } from './trail/untold.sweeper';
import { WorkspacesController } from './workspaces/workspaces.controller';

@Module({
  imports: [
    DirectoryReplicaModule.of('notification'),
    ErasureModule.of('notification', NotificationEraser, [MailSettings]),
  ],
  controllers: [
    TransitionController,
    AttemptController,
    SendController,
    EndpointsController,
    DeliveriesController,
    EventTypesController,
    CapturedMailController,
    WorkspacesController,
    PreferencesController,
    ChatChannelsController,
    AuditHappenedController,
  ],
  providers: [
    WebhookSettings,
    EndpointSecrets,
    DeliveryDispatcher,
    MailSettings,
    DecisionTokens,
    MailDispatcher,
    HeldMails,
    ChatDispatcher,
    UntoldSweeper,
    Clock,
  ],
})
export class AppModule {}
