import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ServiceName } from '@countersign/contracts';
import { Messaging, type MessagingOptions } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { Module, type Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import { readConfig, ServiceConfigError, type ServiceConfig } from './config';
import { quietConnectionsOf } from './connections';
import { AnswerAdapter } from './http/answer.adapter';
import { IdentityVerifier } from './http/identity';
import { IdentityGuard } from './http/identity.guard';
import { ProblemFilter } from './http/problem.filter';
import { Idempotency } from './idempotency/idempotency';
import { ReplayInterceptor } from './idempotency/replay.interceptor';
import { logFaults } from './log-faults';
import { createLog, nestLogger } from './log';
import { addBacklogMetrics } from './metrics/backlog-metrics';
import { MessageMetrics } from './metrics/message-metrics';
import { listenForScrapes } from './metrics/metrics-listener';
import { addProcessMetrics } from './metrics/process-metrics';
import { ServiceModule } from './service.module';
import { demandTrails } from './trail/demand-trails';

export interface RunOptions {
  service: ServiceName;
  module: Type;
  env?: NodeJS.ProcessEnv;
  /** Statements that remove what nobody needs any more, run as the relay role every minute; each removes a bounded number of rows. */
  forget?: readonly string[];
  /** Other parts for tests that show what happens without ours. */
  messagingParts?: MessagingOptions['parts'];
  /** Work on the HTTP application before it listens, such as the gateway's proxy. */
  prepare?: (app: NestExpressApplication, config: ServiceConfig) => void;
}

export interface RunningService {
  port: number;
  /** Takes no more calls, finishes what runs, hangs up. */
  stop(): Promise<void>;
}

/** PostgreSQL connections of a process: all replicas together must fit the server. */
const applicationPool = 10;
const relayPool = 3;
const forgetEveryMs = 60_000;
/** A service that has not stopped by then is ended. */
const shutdownMs = 9_000;

const connect = async (config: ServiceConfig): Promise<[Database, Database]> =>
  Promise.all([
    Database.connect({
      url: config.databaseUrl,
      schema: config.schema,
      poolSize: applicationPool,
      applicationName: config.service,
    }),
    Database.connect({
      url: config.relayDatabaseUrl,
      schema: config.schema,
      poolSize: relayPool,
      applicationName: `${config.service} relay`,
    }),
  ]);

/** Starts a service: its pools, its queues, its HTTP port. Rejects when the job registry does not match its handlers. */
export const startService = async (options: RunOptions): Promise<RunningService> => {
  const config = readConfig(options.service, options.env);
  const log = createLog(config.service);
  const onFault = logFaults(log);
  const registry = new Registry();
  addProcessMetrics(registry);
  const [database, relayDatabase] = await connect(config);
  const messaging = new Messaging({
    service: config.service,
    redisUrl: config.redisUrl,
    application: database,
    relay: relayDatabase,
    concurrency: config.concurrency,
    onFault,
    observer: new MessageMetrics(registry, config.service),
    parts: options.messagingParts,
  });
  addBacklogMetrics(registry, config.service, messaging);
  const { unitOfWork } = messaging;

  @Module({
    imports: [
      ServiceModule.with({ config, log, database, relayDatabase, unitOfWork, messaging, registry }),
      options.module,
    ],
  })
  class RootModule {}

  const app = await NestFactory.create<NestExpressApplication>(RootModule, new AnswerAdapter(), {
    logger: nestLogger(log),
    bodyParser: false,
    abortOnError: false,
  });
  demandTrails(app);
  app.getHttpAdapter().getInstance().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.useGlobalGuards(new IdentityGuard(new IdentityVerifier(config.secretKey)));
  app.useGlobalInterceptors(new ReplayInterceptor(app.get(Idempotency)));
  app.useGlobalFilters(new ProblemFilter(log));
  options.prepare?.(app, config);
  app.connectMicroservice({ strategy: messaging.server }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  messaging.start();
  const closeQuiet = quietConnectionsOf(app.getHttpServer());
  await app.listen(config.port, config.host);
  const stopTelling =
    config.metricsPort === null
      ? null
      : await listenForScrapes(registry, {
          port: config.metricsPort,
          // Never by default where the calls come in from.
          host: config.env.SERVICE_HOST ?? '127.0.0.1',
        });
  const forgetting = setInterval(() => {
    for (const text of options.forget ?? []) {
      relayDatabase.everywhere((sql) => sql.query(text)).catch((error) => onFault('forgetting', error));
    }
  }, forgetEveryMs);
  const server = app.getHttpServer();
  // A proxy in front keeps connections longer than Node's 5 s, and would meet one that is just closing.
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 66_000;
  const port = (server.address() as { port: number }).port;
  log.info({ port }, 'ready');

  return {
    port,
    async stop() {
      clearInterval(forgetting);
      // A connection that is busy now is idle after its answer, and would keep the server open for its 65 s.
      const hangUp = setInterval(closeQuiet, 100);
      // Closes HTTP and the workers; what they still do needs the pools, so those go last.
      await app.close().finally(() => clearInterval(hangUp));
      await stopTelling?.();
      await messaging.stop();
      await Promise.all([database.close(), relayDatabase.close()]);
      log.info('stopped');
    },
  };
};

/** Starts a service as a process of its own: signals stop it, and so does the end of the process that supervises it. */
export const runService = async (options: RunOptions): Promise<void> => {
  const log = createLog(options.service);
  let stopping = false;
  const running = startService(options);
  const stop = (why: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, 'stopping');
    setTimeout(() => process.exit(1), shutdownMs).unref();
    running
      .then((service) => service.stop())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('disconnect', () => stop('supervisor gone'));
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  await running.catch((error: unknown) => {
    if (error instanceof ServiceConfigError) log.fatal(error.message);
    else log.fatal({ err: error }, 'could not start');
    process.exit(1);
  });
};
