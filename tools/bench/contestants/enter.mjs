// @ts-check
import { createCleanUps } from '../clean-ups.mjs';
import { enterBullmq } from './bullmq.mjs';
import { enterDbos } from './dbos.mjs';
import { enterFloor } from './floor.mjs';
import { enterRestate } from './restate.mjs';

/**
 * @typedef {object} Arena what every contestant is given
 * @property {string} root
 * @property {string} peers the folder with their programs and packages
 * @property {string} databaseUrl of the PostgreSQL that all share
 * @property {string} dataDir removed at the end
 * @property {import('../clean-ups.mjs').CleanUps} cleanUps
 * @property {(line: string) => void} log
 *
 * @typedef {object} Entry
 * @property {import('../lifecycle-driver.mjs').Contestant['submit']} submit
 * @property {import('../lifecycle-driver.mjs').Contestant['decide']} decide
 * @property {string} database URL of its own database
 * @property {string} [redisUrl] of its own Redis, if it has one
 * @property {() => Record<string, number | undefined>} processes its own, and their pids
 *
 * @typedef {(arena: Arena) => Promise<Entry>} Enter
 * @typedef {Entry & { name: string, leave: () => Promise<void> }} Entrant
 */

/** @type {Record<import('../options.mjs').Peer, { enter: Enter, packages: boolean }>} */
const PEERS = {
  floor: { enter: enterFloor, packages: false },
  bullmq: { enter: enterBullmq, packages: true },
  dbos: { enter: enterDbos, packages: true },
  restate: { enter: enterRestate, packages: true },
};

/** @param {import('../options.mjs').Peer} name */
export const needsPackages = (name) => PEERS[name].packages;

/**
 * Starts a peer. One that cannot start leaves nothing running.
 *
 * @param {import('../options.mjs').Peer} name
 * @param {Arena} arena
 * @returns {Promise<Entrant>}
 */
export async function enterPeer(name, arena) {
  const cleanUps = createCleanUps();
  arena.cleanUps.add(cleanUps.run);
  try {
    const entry = await PEERS[name].enter({ ...arena, cleanUps });
    return { ...entry, name, leave: cleanUps.run };
  } catch (error) {
    await cleanUps.run();
    throw error;
  }
}
