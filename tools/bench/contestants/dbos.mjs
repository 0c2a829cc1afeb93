// @ts-check
import path from 'node:path';
import { lifecycleAt } from './lifecycle-at.mjs';
import { ownDatabase } from './own-database.mjs';
import { startNodeProgram } from './program.mjs';

/** @type {import('./enter.mjs').Enter} */
export async function enterDbos({ peers, databaseUrl, dataDir, cleanUps, log }) {
  const database = await ownDatabase(databaseUrl, 'bench_dbos');
  const { server, url } = await startNodeProgram({
    name: 'dbos',
    script: path.join(peers, 'dbos', 'workflow.mjs'),
    env: { ...process.env, DATABASE_URL: database },
    dataDir,
    cleanUps,
    log,
  });
  return { ...lifecycleAt(url, cleanUps), database, processes: () => ({ dbos: server.pid }) };
}
