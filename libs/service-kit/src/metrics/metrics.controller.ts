import { Controller, Get, Inject } from '@nestjs/common';
import { Registry } from 'prom-client';
import { content, type Answer } from '../http/answer';
import { Internal } from '../http/operation';

/** What Prometheus scrapes: numbers about all workspaces together, none of their data. */
@Controller()
export class MetricsController {
  constructor(@Inject(Registry) private readonly registry: Registry) {}

  @Get('metrics')
  @Internal()
  async scrape(): Promise<Answer> {
    return content(this.registry.contentType, await this.registry.metrics());
  }
}
