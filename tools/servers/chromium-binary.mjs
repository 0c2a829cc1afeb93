// @ts-check
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { firstThatRuns } from './first-that-runs.mjs';
import { fromUnpackedPackage } from './unpacked-package.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ON_MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Libraries, and a font: a page without one shows nothing. */
const FAMILY = /^(lib|zlib1g|chromium|fontconfig|fonts-)/;

/**
 * A Chromium for the tests that use a browser: the one that CHROMIUM names, one of the machine, else one unpacked from a
 * package of this Debian.
 *
 * @param {object} options
 * @param {string} options.cacheDir
 * @param {(line: string) => void} [options.log]
 * @param {string} [options.searchPath] default: PATH
 * @param {string} [options.named] default: CHROMIUM
 * @returns {Promise<import('./first-that-runs.mjs').Binary>}
 * @throws with what to install when there is no way to one
 */
export async function chromiumBinary({
  cacheDir,
  log = () => undefined,
  searchPath = process.env.PATH ?? '',
  named = process.env.CHROMIUM,
}) {
  if (named) {
    const found = await firstThatRuns([named], {});
    if (!found) throw new Error(`CHROMIUM names no browser that runs: ${named}`);
    return found;
  }
  const folders = searchPath.split(path.delimiter).filter(Boolean);
  for (const name of NAMES) {
    const found = await firstThatRuns(
      folders.map((folder) => path.join(folder, name)),
      {},
    );
    if (found) return found;
  }
  const onMac = process.platform === 'darwin' ? await firstThatRuns([ON_MACOS], {}) : undefined;
  if (onMac) return onMac;
  return fromUnpackedPackage({
    cacheDir,
    name: 'chromium',
    wanted: 'Chromium',
    // Ubuntu's chromium-browser is an empty package that asks for a snap.
    packages: ['chromium'],
    family: FAMILY,
    // Not the script of that name, which reads settings of the machine.
    find: ({ folder, env }) =>
      firstThatRuns([path.join(folder, 'usr', 'lib', 'chromium', 'chromium')], {
        ...env,
        FONTCONFIG_FILE: fontsIn(folder),
      }),
    howToInstall:
      'The tests of the decision page need Chromium: apt-get install chromium, dnf install chromium, brew install --cask google-chrome; or say where one is in CHROMIUM.',
    log,
  });
}

/**
 * Settings of fontconfig that know the unpacked fonts and the machine's.
 *
 * @param {string} folder
 */
function fontsIn(folder) {
  const file = path.join(folder, 'fonts.conf');
  writeFileSync(
    file,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>` +
      `<dir>${path.join(folder, 'usr', 'share', 'fonts')}</dir><dir>/usr/share/fonts</dir>` +
      `<cachedir>${path.join(folder, 'font-cache')}</cachedir></fontconfig>\n`,
  );
  return file;
}
