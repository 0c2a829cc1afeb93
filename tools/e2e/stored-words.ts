import { Redis } from 'ioredis';
import type { TestSystem } from './test-system';

/** Where a word stands: the table's name, or the key of Redis. */
export interface Found {
  where: string;
  word: string;
}

interface Column {
  place: string;
  name: string;
  type: string;
}

/** Looks for words in every row of every table of every service, whatever the column; in bytes, too. */
export async function wordsInTables(system: TestSystem, words: readonly string[]): Promise<Found[]> {
  const columns = await system.sql<Column>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS place, a.attname AS name, format_type(a.atttypid, NULL) AS type
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relkind = 'r' AND NOT a.attisdropped AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
  );
  if (columns.length < 100) throw new Error('these are not all tables');
  const found: Found[] = [];
  for (const { place, name, type } of columns) {
    // Bytes may be text that was packed: what is ASCII stands in them as it is, the rest as octal numbers.
    const text = type === 'bytea' ? `encode("${name}", 'escape')` : `"${name}"::text`;
    for (const word of words) {
      const sought = type === 'bytea' ? inOctal(word) : word;
      const rows = await system.sql<{ count: number }>(
        `SELECT count(*)::int AS count FROM ${place} WHERE position(lower($1) IN lower(${text})) > 0`,
        [sought],
      );
      if ((rows[0]?.count ?? 0) > 0) found.push({ where: `${place}.${name}`, word });
    }
  }
  return found;
}

const inOctal = (word: string): string =>
  [...Buffer.from(word)]
    .map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`))
    .join('');

/** The same in everything that Redis has. */
export async function wordsInRedis(redisUrl: string, words: readonly string[]): Promise<Found[]> {
  const redis = new Redis(redisUrl);
  try {
    const found: Found[] = [];
    for (const key of await redis.keys('*')) {
      const value = (await redis.dumpBuffer(key))?.toString('latin1') ?? '';
      const readable = JSON.stringify([value, await contentOf(redis, key)]);
      for (const word of words) if (readable.includes(word)) found.push({ where: key, word });
    }
    return found;
  } finally {
    redis.disconnect();
  }
}

/** A dump may be compressed. */
const contentOf = async (redis: Redis, key: string): Promise<unknown> => {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, 0, -1);
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return null;
  }
};
