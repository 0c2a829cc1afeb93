import { forgetDirectoryQuestions } from '@countersign/directory-replica';
import { forgetIdempotencyKeys, runService } from '@countersign/service-kit';
import { AppModule } from './app.module';
import { forgetEndpointHours } from './deliveries/delivery-counts';
import { forgetChats, forgetMails } from './forget-messages';
import { forgetTold } from './transitions/transition-order';

void runService({
  service: 'notification',
  module: AppModule,
  forget: [
    forgetIdempotencyKeys,
    forgetDirectoryQuestions,
    forgetEndpointHours,
    forgetMails,
    forgetChats,
    forgetTold,
  ],
});
