// @ts-check
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { freePort } from '../../servers/free-port.mjs';
import { endingWithParent } from '../../servers/server-account.mjs';
import { jsonCaller } from './json-caller.mjs';
import { ownDatabase } from './own-database.mjs';
import { startNodeProgram, startProgram } from './program.mjs';

/**
 * Restate's server as it ships, durable log and all, and the service that it calls. Requests and decisions go straight
 * to the server, whose HTTP ingress is the usual way in.
 *
 * @type {import('./enter.mjs').Enter}
 */
export async function enterRestate({ peers, databaseUrl, dataDir, cleanUps, log }) {
  const database = await ownDatabase(databaseUrl, 'bench_restate');
  const service = await startNodeProgram({
    name: 'restate-service',
    script: path.join(peers, 'restate', 'service.mjs'),
    env: { ...process.env, DATABASE_URL: database },
    dataDir,
    cleanUps,
    log,
  });

  const [node, ingressPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const ingress = jsonCaller(`http://127.0.0.1:${ingressPort}`);
  const admin = jsonCaller(`http://127.0.0.1:${adminPort}`);
  cleanUps.add(ingress.close);
  cleanUps.add(admin.close);
  const server = await startProgram({
    name: 'restate-server',
    ...endingWithParent(serverBinary(peers), [
      // A cluster of one provisions itself; the profile has no other difference to the default.
      ...['--production', '--auto-provision', 'true', '--no-logo'],
      ...['--node-name', 'bench', '--base-dir', path.join(dataDir, 'restate')],
      ...['--listen-mode', 'tcp', '--bind-address', `127.0.0.1:${node}`],
      ...['--advertised-address', `http://127.0.0.1:${node}/`],
    ]),
    env: {
      PATH: process.env.PATH,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingressPort}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
      RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
      RESTATE_DISABLE_TELEMETRY: 'true',
    },
    dataDir,
    isReady: async () =>
      (await isHealthy(`http://127.0.0.1:${adminPort}/health`)) &&
      isHealthy(`http://127.0.0.1:${ingressPort}/restate/health`),
    cleanUps,
    log,
  });
  await admin.post('/deployments', { uri: service.url });

  return {
    async submit(index, hook) {
      const id = randomUUID();
      await ingress.post(`/approval/${id}/run/send`, { amount: 500 + index, hook });
      return id;
    },
    async decide(awakeable) {
      await ingress.post(`/restate/awakeables/${awakeable}/resolve`, { decision: 'approve' });
    },
    database,
    processes: () => ({ 'restate-server': server.pid, 'restate-service': service.server.pid }),
  };
}

/** @param {string} peers @throws when npm has none for this platform */
function serverBinary(peers) {
  const require = createRequire(path.join(peers, 'package.json'));
  return require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
}

/** @param {string} url */
async function isHealthy(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
