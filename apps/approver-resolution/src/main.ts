import { forgetIdempotencyKeys, runService } from '@countersign/service-kit';
import { AppModule } from './app.module';
import { forgetKeptAnswers } from './resolver-webhook/kept-answer.store';

void runService({
  service: 'approver-resolution',
  module: AppModule,
  forget: [forgetIdempotencyKeys, forgetKeptAnswers],
});
