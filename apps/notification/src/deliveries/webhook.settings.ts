import { parseAllowList, type AllowList } from '@countersign/outbound-http';
import { CONFIG, type ServiceConfig } from '@countersign/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { defaultSchedule, parseSchedule } from './retry-schedule';

/** What the surroundings say about webhooks. A value that cannot be read stops the service at start. */
@Injectable()
export class WebhookSettings {
  /** `COUNTERSIGN_WEBHOOK_ALLOW`: networks that may be called although they are not public. */
  readonly allowText: string;
  readonly allow: AllowList;
  /** `COUNTERSIGN_WEBHOOK_RETRY`: milliseconds between attempts. */
  readonly schedule: readonly number[];

  constructor(@Inject(CONFIG) config: ServiceConfig) {
    this.allowText = config.env.COUNTERSIGN_WEBHOOK_ALLOW ?? '';
    this.allow = parseAllowList(this.allowText);
    this.schedule = parseSchedule(config.env.COUNTERSIGN_WEBHOOK_RETRY || defaultSchedule);
  }
}
