import { Agent } from 'node:http';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ServiceName } from '@countersign/contracts';
import { CONFIG, LOG, type Log, type ServiceConfig } from '@countersign/service-kit';

export interface Upstream {
  service: ServiceName;
  hostname: string;
  port: number;
  host: string;
  agent: Agent;
}

/** Services that the gateway passes calls on to, and the variables that say where they are. */
const variables = {
  intake: 'INTAKE_URL',
  'approver-resolution': 'APPROVER_RESOLUTION_URL',
  notification: 'NOTIFICATION_URL',
  audit: 'AUDIT_URL',
  // Has no routes of its own, but nothing works without it.
  routing: 'ROUTING_URL',
} as const satisfies Partial<Record<ServiceName, string>>;

/** Connections to one service; more calls than that wait here, which protects it. */
const mostConnections = 256;

/** Where the services are, each with its kept-alive connections. */
@Injectable()
export class Upstreams implements OnApplicationShutdown {
  private readonly byService = new Map<ServiceName, Upstream>();

  constructor(@Inject(CONFIG) config: ServiceConfig, @Inject(LOG) log: Log) {
    const absent: string[] = [];
    for (const [service, variable] of Object.entries(variables) as [ServiceName, string][]) {
      const text = config.env[variable];
      if (!text) {
        absent.push(variable);
        continue;
      }
      const url = new URL(text);
      if (url.protocol !== 'http:') throw new TypeError(`${variable} must be an http:// URL`);
      const agent = new Agent({
        keepAlive: true,
        maxSockets: mostConnections,
        maxFreeSockets: mostConnections,
      });
      // A bare IPv6 address, without the brackets of a URL, is what a socket wants.
      const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
      this.byService.set(service, { service, hostname, port: Number(url.port || 80), host: url.host, agent });
    }
    if (absent.length > 0) log.warn({ absent }, 'calls for services without a URL are answered with 503');
  }

  get(service: ServiceName): Upstream | undefined {
    return this.byService.get(service);
  }

  all(): Upstream[] {
    return [...this.byService.values()];
  }

  onApplicationShutdown(): void {
    for (const { agent } of this.all()) agent.destroy();
  }
}
