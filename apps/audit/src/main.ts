import { forgetDirectoryQuestions } from '@countersign/directory-replica';
import { forgetIdempotencyKeys, runService } from '@countersign/service-kit';
import { AppModule } from './app.module';

void runService({
  service: 'audit',
  module: AppModule,
  forget: [forgetIdempotencyKeys, forgetDirectoryQuestions],
});
