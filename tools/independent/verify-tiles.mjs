// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGo } from './go.mjs';

/**
 * `node tools/independent/verify-tiles.mjs <prefix> <verifier key> <size of an older tree> <its root, base64>`
 *
 * Runs verify_tiles.go. Exit code 3: there is no Go here (`node tools/independent/fetch-go.mjs` gets one).
 */

const here = path.dirname(fileURLToPath(import.meta.url));
const go = await findGo(path.resolve(here, '..', '..', '.countersign-cache'));
if (!go) {
  console.error('there is no Go with golang.org/x/mod here; node tools/independent/fetch-go.mjs gets one');
  process.exit(3);
}
const home = mkdtempSync(path.join(os.tmpdir(), 'countersign-go-'));
const child = spawn(go.command, ['run', path.join(here, 'verify_tiles.go'), ...process.argv.slice(2)], {
  env: { ...process.env, ...go.env, GOCACHE: home, HOME: home },
  stdio: 'inherit',
});
child.once('close', (code) => {
  rmSync(home, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});
