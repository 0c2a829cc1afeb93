import { forgetDirectoryQuestions } from '@countersign/directory-replica';
import { forgetIdempotencyKeys, runService } from '@countersign/service-kit';
import { AppModule } from './app.module';
import { forgetCommands } from './commands/forget-commands';
import { forgetLinkUses } from './decision-links/link-use.rows';
import { forgetApproverQuestions } from './directory-questions/directory-questions';

void runService({
  service: 'intake',
  module: AppModule,
  forget: [
    forgetIdempotencyKeys,
    forgetDirectoryQuestions,
    forgetApproverQuestions,
    forgetCommands,
    forgetLinkUses,
  ],
});
