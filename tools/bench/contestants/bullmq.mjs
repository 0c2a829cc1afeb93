// @ts-check
import path from 'node:path';
import { createRedis } from '../../servers/redis.mjs';
import { lifecycleAt } from './lifecycle-at.mjs';
import { ownDatabase } from './own-database.mjs';
import { startNodeProgram } from './program.mjs';

/**
 * With a Redis of its own, set up as Countersign's, so that its commands and CPU can be told from the others'.
 *
 * @type {import('./enter.mjs').Enter}
 */
export async function enterBullmq({ root, peers, databaseUrl, dataDir, cleanUps, log }) {
  const database = await ownDatabase(databaseUrl, 'bench_bullmq');
  const redis = await createRedis({
    dir: path.join(dataDir, 'bullmq-redis'),
    cacheDir: path.join(root, '.countersign-cache'),
    log,
  });
  cleanUps.add(() => redis.stop());
  await redis.start();
  const { server, url } = await startNodeProgram({
    name: 'bullmq',
    script: path.join(peers, 'bullmq', 'pipeline.mjs'),
    env: { ...process.env, DATABASE_URL: database, REDIS_URL: redis.url },
    dataDir,
    cleanUps,
    log,
  });
  return {
    ...lifecycleAt(url, cleanUps),
    database,
    redisUrl: redis.url,
    processes: () => ({ bullmq: server.pid, redis: redis.pid }),
  };
}
