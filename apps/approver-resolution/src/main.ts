import { forgetIdempotencyKeys, runService } from '@countersign/service-kit';
import { AppModule } from './app.module';

void runService({ service: 'approver-resolution', module: AppModule, forget: [forgetIdempotencyKeys] });
