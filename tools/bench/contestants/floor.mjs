// @ts-check
import { fileURLToPath } from 'node:url';
import { lifecycleAt } from './lifecycle-at.mjs';
import { ownDatabase } from './own-database.mjs';
import { startNodeProgram } from './program.mjs';

const script = fileURLToPath(new URL('../floor.mjs', import.meta.url));

/** @type {import('./enter.mjs').Enter} */
export async function enterFloor({ databaseUrl, dataDir, cleanUps, log }) {
  const database = await ownDatabase(databaseUrl, 'bench_floor');
  const env = { ...process.env, DATABASE_URL: database };
  const { server, url } = await startNodeProgram({ name: 'floor', script, env, dataDir, cleanUps, log });
  return { ...lifecycleAt(url, cleanUps), database, processes: () => ({ floor: server.pid }) };
}
