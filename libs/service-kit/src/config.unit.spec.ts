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
