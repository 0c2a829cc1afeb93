import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromiumBinary } from './chromium-binary.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-chromium-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const program = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
};
const found = (named = '') => chromiumBinary({ cacheDir: path.join(folder, 'cache'), searchPath: folder, named });

it('a browser for the tests is the one that is named, or that CHROMIUM is said to be wrong', async () => {
  const named = program('mine', 'echo Chromium 150');
  expect(await found(named)).toEqual({ command: named, env: {} });
  const missing = path.join(folder, 'missing');
  await expect(found(missing)).rejects.toThrow(`CHROMIUM names no browser that runs: ${missing}`);
});

it('one of the machine is taken only when it runs', async () => {
  // As Ubuntu's is without its snap.
  program('chromium', 'echo "requires the chromium snap" >&2; exit 10');
  const other = program('google-chrome', 'echo Google Chrome 150');
  expect(await found()).toEqual({ command: other, env: {} });
});
