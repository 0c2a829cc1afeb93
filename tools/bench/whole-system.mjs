// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../servers/free-port.mjs';
import { startSystem } from '../up/system.mjs';
import { prepare, root } from './one-service.mjs';

/**
 * All services with servers of their own, as `npm start` starts them. Installs and builds what is missing.
 *
 * @param {{ env?: Record<string, string>, dataDir?: string }} [options] `dataDir`: a folder that stays; by default one that is gone at the end
 */
export async function startWholeSystem({ env = {}, dataDir } = {}) {
  await prepare();
  const folder = dataDir ?? mkdtempSync(path.join(os.tmpdir(), 'countersign-bench-'));
  const adminKey = `cs_live_${'bench'.repeat(9).slice(0, 43)}`;
  /** @type {NodeJS.ProcessEnv} */
  const all = { ...process.env, COUNTERSIGN_ADMIN_KEY: adminKey, ...env };
  delete all.DATABASE_URL;
  delete all.REDIS_URL;
  const port = await freePort();
  const system = await startSystem({ root, dataDir: folder, port, env: all, log: () => undefined });
  return {
    ...system,
    adminKey,
    async stop() {
      await system.stop();
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
