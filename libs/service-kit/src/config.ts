import { schemaOf, type ServiceName } from '@countersign/contracts';
import { roleOf, urlAs } from '@countersign/persistence';

/** What a service needs of its surroundings, read once at start. Every missing variable is named at once. */
export interface ServiceConfig {
  service: ServiceName;
  schema: string;
  port: number;
  host: string;
  databaseUrl: string;
  relayDatabaseUrl: string;
  redisUrl: string;
  /** 32 bytes, base64. */
  secretKey: string;
  publicUrl: string;
  /** Jobs of one queue handled at the same time. */
  concurrency: number;
  /** Of the gateway, whose own port is open to everybody: where it tells its metrics; null for nowhere. */
  metricsPort: number | null;
  env: NodeJS.ProcessEnv;
}

export class ServiceConfigError extends Error {
  override name = 'ServiceConfigError';
}

/** A whole number of an environment variable; its default when that is absent or empty. Throws ServiceConfigError. */
export const numberOf = <Fallback extends number | null>(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: Fallback,
  [least, most]: readonly [number, number],
): number | Fallback => {
  const text = env[name]?.trim();
  if (!text) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new ServiceConfigError(`${name} must be a number from ${least} to ${most}, not '${text}'`);
};

/** Not shown when it is wrong: it may hold a password. */
const checkUrl = (env: NodeJS.ProcessEnv, name: string, schemes: readonly string[]): void => {
  const text = env[name] ?? '';
  if (URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1))) return;
  throw new ServiceConfigError(`${name} must be a URL that begins with ${schemes.join(':// or ')}://`);
};

export const readConfig = (service: ServiceName, env: NodeJS.ProcessEnv = process.env): ServiceConfig => {
  const missing = ['DATABASE_URL', 'COUNTERSIGN_SECRET_KEY', 'REDIS_URL'].filter((name) => !env[name]);
  if (missing.length > 0)
    throw new ServiceConfigError(`${service} needs ${missing.join(', ')} in its environment`);
  const secretKey = env.COUNTERSIGN_SECRET_KEY ?? '';
  if (Buffer.from(secretKey, 'base64').length !== 32) {
    throw new ServiceConfigError('COUNTERSIGN_SECRET_KEY must be 32 bytes in base64');
  }
  checkUrl(env, 'DATABASE_URL', ['postgres', 'postgresql']);
  checkUrl(env, 'REDIS_URL', ['redis', 'rediss']);
  const publicPort = numberOf(env, 'COUNTERSIGN_PORT', 4080, [0, 65_535]);
  const schema = schemaOf[service];
  const as = (kind: 'app' | 'relay') => urlAs(env.DATABASE_URL ?? '', secretKey, roleOf(schema, kind));
  const port = service === 'gateway' ? publicPort : numberOf(env, 'SERVICE_PORT', 0, [0, 65_535]);
  return {
    service,
    schema,
    port,
    host: env.SERVICE_HOST ?? (service === 'gateway' ? '0.0.0.0' : '127.0.0.1'),
    databaseUrl: as('app'),
    relayDatabaseUrl: as('relay'),
    redisUrl: env.REDIS_URL ?? '',
    secretKey,
    publicUrl: env.COUNTERSIGN_PUBLIC_URL ?? `http://localhost:${publicPort}`,
    concurrency: numberOf(env, 'COUNTERSIGN_CONCURRENCY', 1, [1, 1_000]),
    metricsPort: service === 'gateway' ? numberOf(env, 'COUNTERSIGN_METRICS_PORT', null, [1, 65_535]) : null,
    env,
  };
};
