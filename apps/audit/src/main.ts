import { runService } from '@countersign/service-kit';
import { AppModule } from './app.module';

void runService({ service: 'audit', module: AppModule });
