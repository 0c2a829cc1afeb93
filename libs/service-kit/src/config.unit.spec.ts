import { randomBytes } from 'node:crypto';
import { readConfig } from './config';

const env = {
  DATABASE_URL: 'postgres://db.example:5432/countersign',
  REDIS_URL: 'redis://redis.example',
  COUNTERSIGN_SECRET_KEY: randomBytes(32).toString('base64'),
};

describe('the configuration of a service', () => {
  it('names everything that is missing at once', () => {
    expect(() => readConfig('routing', {})).toThrow(
      'routing needs DATABASE_URL, COUNTERSIGN_SECRET_KEY, REDIS_URL',
    );
  });

  it('refuses a secret key of another length', () => {
    expect(() => readConfig('routing', { ...env, COUNTERSIGN_SECRET_KEY: 'c2hvcnQ=' })).toThrow('32 bytes');
  });

  it.each([
    ['COUNTERSIGN_PORT', 'abc', "COUNTERSIGN_PORT must be a number from 0 to 65535, not 'abc'"],
    ['COUNTERSIGN_PORT', '65536', "COUNTERSIGN_PORT must be a number from 0 to 65535, not '65536'"],
    [
      'COUNTERSIGN_METRICS_PORT',
      '80x',
      "COUNTERSIGN_METRICS_PORT must be a number from 1 to 65535, not '80x'",
    ],
    ['COUNTERSIGN_CONCURRENCY', '0', "COUNTERSIGN_CONCURRENCY must be a number from 1 to 1000, not '0'"],
    ['DATABASE_URL', 'secret', 'DATABASE_URL must be a URL that begins with postgres:// or postgresql://'],
  ])('names %s when it is %s', (name, value, message) => {
    expect(() => readConfig('gateway', { ...env, [name]: value })).toThrow(message);
  });

  it('names REDIS_URL when it is no URL, and does not repeat it', () => {
    expect(() => readConfig('routing', { ...env, REDIS_URL: 'localhost:secret' })).toThrow(
      /^REDIS_URL must be a URL that begins with redis:\/\/ or rediss:\/\/$/,
    );
  });

  it('works as a role of its own, whose password only the secret key gives', () => {
    const routing = new URL(readConfig('routing', env).databaseUrl);
    const relay = new URL(readConfig('routing', env).relayDatabaseUrl);
    const other = new URL(
      readConfig('routing', { ...env, COUNTERSIGN_SECRET_KEY: randomBytes(32).toString('base64') })
        .databaseUrl,
    );
    expect(routing.username).toBe('countersign_routing');
    expect(relay.username).toBe('countersign_routing_relay');
    expect(new Set([routing.password, relay.password, other.password]).size).toBe(3);
    expect(routing.host).toBe('db.example:5432');
  });
});
