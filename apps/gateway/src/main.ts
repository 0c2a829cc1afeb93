import { forgetIdempotencyKeys, runService } from '@countersign/service-kit';
import { AppModule } from './app.module';
import { openFrontDoor } from './front-door/open-front-door';

void runService({
  service: 'gateway',
  module: AppModule,
  prepare: openFrontDoor,
  forget: [forgetIdempotencyKeys],
});
