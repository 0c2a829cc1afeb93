import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { shownError } from './shown-error';

export type Log = Logger;

/** One JSON object a line on standard output. Never a payload, a secret or a header: ids, codes and durations only. */
export const createLog = (service: string, destination?: DestinationStream): Log =>
  pino(
    {
      level: process.env.LOG_LEVEL ?? 'info',
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => shownError(error) },
    },
    ...(destination ? [destination] : []),
  );

/** Nest's own messages in the same form; its start-up chatter only when debugging. */
export const nestLogger = (log: Log): LoggerService => ({
  log: (message: unknown, ...rest: unknown[]) => log.debug({ from: rest.at(-1) }, String(message)),
  error: (message: unknown, ...rest: unknown[]) => log.error({ from: rest.at(-1) }, String(message)),
  warn: (message: unknown, ...rest: unknown[]) => log.warn({ from: rest.at(-1) }, String(message)),
  debug: (message: unknown) => log.trace(String(message)),
  verbose: (message: unknown) => log.trace(String(message)),
});
