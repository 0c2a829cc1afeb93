// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../servers/free-port.mjs';
import { checkNodeVersion, ensureBuilt, ensureInstalled } from '../up/prepare.mjs';

/**
 * `npm run bench [-- --lifecycles 2000 --in-flight 4,64 --rounds 2 --json FILE]`
 *
 * The lifecycle of a request at several loads: Countersign as `npm start` runs it, beside the floor on the same
 * PostgreSQL, in turns. Read the ratios: absolute figures say more about the machine.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const { values } = parseArgs({
  options: {
    lifecycles: { type: 'string', default: '2000' },
    'in-flight': { type: 'string', default: '4,64' },
    rounds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '300' },
    json: { type: 'string' },
  },
});

checkNodeVersion(process.versions.node);
await ensureInstalled({ root, log: console.log });
await ensureBuilt({ root, log: console.log });

const { startSystem } = await import('../up/system.mjs');
const { countersign } = await import('./countersign.mjs');
const { drive, startReceiver } = await import('./lifecycle-driver.mjs');
const { request, Agent } = await import('undici');

const dataDir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-'));
const hooks = await startReceiver();
const system = await startSystem({
  root,
  dataDir,
  port: await freePort(),
  env: {
    ...process.env,
    COUNTERSIGN_ADMIN_KEY: `cs_live_${'bench'.repeat(9).slice(0, 43)}`,
    COUNTERSIGN_RATE_LIMIT: '100000',
  },
  log: (line) => console.error(line),
});
const floorProcess = spawn(process.execPath, [path.join(root, 'tools', 'bench', 'floor.mjs')], {
  env: { ...process.env, DATABASE_URL: system.databaseUrl, NODE_ENV: 'production' },
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
});
const agent = new Agent({ connections: 300 });

try {
  const floorPort = await new Promise((resolve) =>
    floorProcess.stdout?.once('data', (chunk) => resolve(String(chunk).trim())),
  );
  /** @param {string} route @param {unknown} body */
  const floorPost = async (route, body) => {
    const answer = await request(`http://127.0.0.1:${floorPort}${route}`, {
      method: 'POST',
      dispatcher: agent,
      body: JSON.stringify(body),
    });
    return /** @type {any} */ (await answer.body.json());
  };
  const ours = await countersign({ url: system.url, adminKey: system.adminKey ?? '' }, hooks.url);
  /** @type {import('./lifecycle-driver.mjs').Contestant[]} */
  const contestants = [
    ours,
    {
      name: 'floor',
      submit: async (index, hook) => (await floorPost('/requests', { amount: 500 + index, hook })).id,
      decide: async (taskId) => void (await floorPost(`/tasks/${taskId}`, {})),
    },
  ];
  const loads = values['in-flight'].split(',').map(Number);
  for (const contestant of contestants) {
    await drive(contestant, hooks, { inFlight: 16, lifecycles: Number(values['warm-up']) });
  }
  /** @type {{ contestant: string, inFlight: number, round: number, result: import('./lifecycle-driver.mjs').Result }[]} */
  const results = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const inFlight of loads) {
      for (const contestant of contestants) {
        const result = await drive(contestant, hooks, { inFlight, lifecycles: Number(values.lifecycles) });
        results.push({ contestant: contestant.name, inFlight, round, result });
        console.log(row(contestant.name, inFlight, result));
      }
    }
  }
  const ratios = loads.map((inFlight) => ({
    inFlight,
    toFloor: median('countersign', inFlight) / median('floor', inFlight),
  }));
  for (const { inFlight, toFloor } of ratios)
    console.log(`${inFlight} in flight: ${toFloor.toFixed(3)} of the floor`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ results, ratios }, null, 2)}\n`);

  /** @param {string} contestant @param {number} inFlight */
  function median(contestant, inFlight) {
    const figures = results
      .filter((entry) => entry.contestant === contestant && entry.inFlight === inFlight)
      .map(({ result }) => result.perSecond)
      .sort((a, b) => a - b);
    return (
      ((figures[Math.floor((figures.length - 1) / 2)] ?? 0) +
        (figures[Math.ceil((figures.length - 1) / 2)] ?? 0)) /
      2
    );
  }
  await ours.close();
} finally {
  floorProcess.kill('SIGTERM');
  await agent.close();
  await system.stop();
  await hooks.close();
  rmSync(dataDir, { recursive: true, force: true });
}

/** @param {string} name @param {number} inFlight @param {import('./lifecycle-driver.mjs').Result} result */
function row(name, inFlight, { perSecond, legs }) {
  const parts = Object.entries(legs).map(
    ([leg, { p50, p99 }]) => `${leg} ${p50.toFixed(1)}/${p99.toFixed(1)} ms`,
  );
  return `${name.padEnd(12)} ${String(inFlight).padStart(4)} in flight ${perSecond.toFixed(0).padStart(6)}/s   ${parts.join('   ')}`;
}
