// @ts-check
import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.mjs';

export const USAGE = `usage: npm run workflow-tests -- [folder…] [--url http://localhost:4080] [--organisation file [--live]]

  folder          has a workflow.yaml and a tests.yaml, or folders that do; without one: examples/workflows
  --url           where Countersign is
  --organisation  first creates the people of this file by SCIM; in a live workspace only with --live
  COUNTERSIGN_API_KEY  environment variable: a key with workflows:read and workflows:write, and
                  directory:read and directory:write for --organisation`;

/**
 * @typedef {object} Options
 * @property {string[]} folders
 * @property {string} url origin, without a slash at the end
 * @property {string} apiKey
 * @property {string | null} organisation file
 * @property {boolean} live
 */

/**
 * @param {string[]} args
 * @param {Record<string, string | undefined>} env
 * @returns {Options}
 * @throws UsageError
 */
export function readOptions(args, env) {
  const { values, positionals } = parsed(args);
  const url = values.url ?? 'http://localhost:4080';
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol))
    throw new UsageError(`--url: ${url} is no http or https address`);
  const { username, password, origin } = new URL(url);
  if (username || password) throw new UsageError('--url: keys belong into COUNTERSIGN_API_KEY');
  const apiKey = env.COUNTERSIGN_API_KEY;
  if (!apiKey) throw new UsageError('COUNTERSIGN_API_KEY is not set');
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new UsageError('COUNTERSIGN_API_KEY is no API key');
  if (values.live && values.organisation === undefined) throw new UsageError('--live is for --organisation');
  return {
    folders: positionals.length > 0 ? positionals : ['examples/workflows'],
    url: origin,
    apiKey,
    organisation: values.organisation ?? null,
    live: values.live ?? false,
  };
}

/** @param {string[]} args */
function parsed(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        organisation: { type: 'string' },
        live: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}
