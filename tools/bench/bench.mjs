// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createCleanUps } from './clean-ups.mjs';
import { enterCountersign } from './contestants/countersign.mjs';
import { enterPeer, needsPackages } from './contestants/enter.mjs';
import { installPackages } from './contestants/peer-packages.mjs';
import { drive, startReceiver } from './lifecycle-driver.mjs';
import { progressLine } from './report.mjs';
import { openMeters } from './resources.mjs';
import { runOf } from './run-record.mjs';

/**
 * @typedef {import('./contestants/enter.mjs').Entrant} Entrant
 * @typedef {import('./options.mjs').BenchOptions} BenchOptions
 * @typedef {import('./run-record.mjs').Run} Run
 * @typedef {import('./run-record.mjs').Turn} Turn
 *
 * @typedef {{ name: string, reason: string }} Absent
 */

/**
 * Starts everything, lets the contestants take turns, and stops everything, whatever happens.
 *
 * @param {BenchOptions} options
 * @param {{ root: string, signal: AbortSignal, log: (line: string) => void }} context
 * @returns {Promise<{ runs: Run[], absent: Absent[] }>}
 */
export async function bench(options, { root, signal, log }) {
  const cleanUps = createCleanUps();
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'countersign-bench-'));
  cleanUps.add(() => rmSync(dataDir, { recursive: true, force: true }));
  const aborted = new Promise((/** @type {(value: never) => void} */ _resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
  aborted.catch(() => undefined);
  try {
    return await compete();
  } finally {
    await cleanUps.run();
  }

  async function compete() {
    const hooks = await startReceiver();
    cleanUps.add(hooks.close);
    const { system, ours } = await enterCountersign({
      root,
      dataDir,
      hookUrl: hooks.url,
      signal,
      cleanUps,
      log: console.error,
    });
    const { entrants, absent } = await enterPeers(system.databaseUrl);
    const contestants = [ours, ...entrants].map((entrant) => withPostgres(entrant, system.postgres));
    const maintenanceUrl = new URL(system.databaseUrl);
    maintenanceUrl.pathname = '/postgres';
    const meters = await openMeters(maintenanceUrl.href, cleanUps);

    const warmUp = { inFlight: Math.max(...options.inFlight), lifecycles: options.warmUp };
    for (const contestant of contestants) {
      await attempt(contestant, async () => {
        await drive(contestant, hooks, warmUp);
        meters.warmedUp(contestant);
      });
    }

    /** @type {Turn[]} */
    const runs = [];
    let turn = 0;
    for (let round = 1; round <= options.rounds; round++) {
      for (const inFlight of options.inFlight) {
        // Whoever goes first, or after a certain other, does so once.
        for (const contestant of rotated(contestants, turn++)) {
          if (isOut(contestant)) continue;
          await attempt(contestant, async () => {
            const { lifecycles } = options;
            const { result, usage } = await meters.measure(contestant, () =>
              drive(contestant, hooks, { inFlight, lifecycles }),
            );
            log(progressLine(contestant.name, inFlight, result));
            runs.push({ turn: { contestant: contestant.name, inFlight, round }, result, usage });
          });
        }
      }
    }
    return { runs: await Promise.race([Promise.all(runs.map(runOf)), aborted]), absent };

    /** @param {Entrant} contestant */
    function isOut({ name }) {
      return absent.some((peer) => peer.name === name);
    }

    /**
     * A peer that fails is out from there on; Countersign may not fail.
     *
     * @param {Entrant} contestant
     * @param {() => Promise<void>} run
     */
    async function attempt(contestant, run) {
      signal.throwIfAborted();
      try {
        await Promise.race([run(), aborted]);
      } catch (error) {
        if (contestant.name === ours.name || signal.aborted) throw error;
        leaveOut(absent, contestant.name, error);
        await contestant.leave();
      }
    }
  }

  /** @param {string} databaseUrl */
  async function enterPeers(databaseUrl) {
    const peers = path.join(root, 'tools', 'bench', 'peers');
    /** @type {Absent[]} */
    const absent = [];
    /** @type {Entrant[]} */
    const entrants = [];
    const missing =
      options.peers.some(needsPackages) && (await installPackages({ folder: peers, signal, log }));
    for (const name of options.peers) {
      signal.throwIfAborted();
      try {
        if (missing && needsPackages(name)) throw missing;
        entrants.push(
          await enterPeer(name, { root, peers, databaseUrl, dataDir, cleanUps, log: console.error }),
        );
      } catch (error) {
        leaveOut(absent, name, error);
      }
    }
    return { entrants, absent };
  }

  /** @param {Absent[]} absent @param {string} name @param {unknown} error */
  function leaveOut(absent, name, error) {
    const reason = error instanceof Error ? error.message : String(error);
    absent.push({ name, reason });
    log(`${name} is absent: ${reason.split('\n').slice(0, 3).join(' ')}`);
  }
}

/**
 * The PostgreSQL that all share works for one at a time.
 *
 * @param {Entrant} entrant
 * @param {{ pid: number | undefined } | null} postgres
 * @returns {Entrant}
 */
function withPostgres(entrant, postgres) {
  return { ...entrant, processes: () => ({ ...entrant.processes(), postgres: postgres?.pid }) };
}

/** @template Item @param {Item[]} items @param {number} by */
function rotated(items, by) {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
