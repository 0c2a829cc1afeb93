// @ts-check
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { processIdentity, recordedProcess } from '../servers/process-identity.mjs';

/**
 * Makes the folder, readable for its owner alone.
 *
 * @param {string} dataDir
 * @returns {string} its real path
 */
export function openDataFolder(dataDir) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (const folder of ['logs', 'run'])
    mkdirSync(path.join(dataDir, folder), { recursive: true, mode: 0o700 });
  return realpathSync(dataDir);
}

/**
 * Keeps a second start off this data folder while this process lives.
 *
 * @param {string} dataDir
 * @returns {() => void} gives it back
 * @throws when another start holds it
 */
export function lockDataFolder(dataDir) {
  const lock = path.join(dataDir, 'run', 'lock.json');
  const mine = `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }), {
    mode: 0o600,
  });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        linkSync(mine, lock);
        return () => rmSync(lock, { force: true });
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      const holder = recordedProcess(lock);
      if (holder) {
        throw new Error(
          `Countersign already runs on ${dataDir} (pid ${holder.pid}). Stop that one first, or set COUNTERSIGN_DATA and COUNTERSIGN_PORT for another.`,
        );
      }
      rmSync(lock, { force: true });
    }
    throw new Error(`${lock} cannot be taken`);
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * The key that encrypts secrets at rest: made once per data folder. Losing it loses every stored secret.
 *
 * @param {string} dataDir
 * @returns {string} 32 bytes, base64
 */
export function secretKey(dataDir) {
  const file = path.join(dataDir, 'secret.key');
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** @returns {string} an API key in its public format */
export function newAdminKey() {
  return `cs_live_${randomBytes(32).toString('base64url')}`;
}

/**
 * Remembers, over starts, that something was done once for this data folder.
 *
 * @param {string} dataDir
 * @param {string} what
 */
export function once(dataDir, what) {
  const file = path.join(dataDir, `${what}.done`);
  return {
    done: () => existsSync(file),
    mark: () => writeFileSync(file, `${new Date().toISOString()}\n`, { mode: 0o600 }),
  };
}
