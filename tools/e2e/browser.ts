import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { chromiumBinary } from '../servers/chromium-binary.mjs';

const cacheDir = path.resolve(__dirname, '..', '..', '.countersign-cache');

/** A browser without a window: the machine's, or one fetched for the tests alone. */
export const startBrowser = async (): Promise<Browser> => {
  const { command, env } = await chromiumBinary({ cacheDir, log: console.log });
  return chromium.launch({
    executablePath: command,
    env: { ...process.env, ...env } as Record<string, string>,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: 60_000,
  });
};
