// @ts-check
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { mistakesIn, readText, readYaml, schemaAt } from './read-yaml.mjs';
import { UsageError } from './usage-error.mjs';

/**
 * What is expected of a stage: `approvers` are exactly these people by userName, `explanation` is contained.
 *
 * @typedef {object} ExpectedStage
 * @property {string} [state]
 * @property {string[]} [approvers]
 * @property {string | string[]} [explanation]
 */

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} requester
 * @property {unknown} payload
 * @property {{ stage: string, by: string, decision: 'approve' | 'reject' | 'return' }[]} [decisions]
 * @property {{ state?: string, stages?: Record<string, ExpectedStage> }} expect
 */

/**
 * A workflow with its cases; `text` is its YAML.
 *
 * @typedef {object} Suite
 * @property {string} folder
 * @property {string} key
 * @property {string} text
 * @property {Case[]} cases
 */

const isTests = schemaAt('./tests.schema.json');
const DEEPEST = 8;

/**
 * Everything that can be tested below some folders.
 *
 * @param {string[]} folders
 * @returns {Suite[]} by the order of their folders
 * @throws UsageError with all mistakes of all files
 */
export function readSuites(folders) {
  const found = [...new Set(folders.flatMap((folder) => workflowFolders(folder)))];
  /** @type {Suite[]} */
  const suites = [];
  /** @type {string[]} */
  const mistakes = [];
  for (const folder of found) {
    try {
      suites.push(readSuite(folder));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      mistakes.push(error.message);
    }
  }
  const first = /** @type {Map<string, string>} */ (new Map());
  for (const { key, folder } of suites) {
    const other = first.get(key);
    if (other) mistakes.push(`${path.join(folder, 'workflow.yaml')}: key ${key} is that of ${other} as well`);
    else first.set(key, folder);
  }
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return suites;
}

/** @param {string} folder @returns {string[]} */
function workflowFolders(folder) {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UsageError(`${folder}: there is no such folder`);
  const found = below(path.normalize(folder), 0);
  if (found.length === 0) throw new UsageError(`${folder}: no workflow.yaml, neither in it nor below it`);
  return found;
}

/** @param {string} folder @param {number} depth @returns {string[]} */
function below(folder, depth) {
  if (existsSync(path.join(folder, 'workflow.yaml'))) return [folder];
  if (depth === DEEPEST) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
    .flatMap((name) => below(path.join(folder, name), depth + 1));
}

/** @param {string} folder @returns {Suite} */
function readSuite(folder) {
  const file = path.join(folder, 'workflow.yaml');
  const text = readText(file);
  const definition = readYaml(file, text);
  const key =
    typeof definition === 'object' && definition !== null && 'key' in definition ? definition.key : undefined;
  // What else is wrong with it is for the service to say.
  if (typeof key !== 'string' || key === '') throw new UsageError(`${file}: key is missing`);
  return { folder, key, text, cases: readCases(path.join(folder, 'tests.yaml')) };
}

/**
 * @param {string} file
 * @returns {Case[]} none when there is no such file
 * @throws UsageError
 */
export function readCases(file) {
  if (!existsSync(file)) return [];
  const value = readYaml(file, readText(file));
  const mistakes = mistakesIn(isTests, value, (at) => `${file}${placeOf(value, at)}`);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  const cases = /** @type {Case[]} */ (value);
  const names = new Set();
  for (const { name } of cases) {
    if (names.has(name)) mistakes.push(`${file}, case “${name}”: another case has this name`);
    names.add(name);
  }
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return cases;
}

/** @param {unknown} value @param {string[]} at */
function placeOf(value, [index, ...rest]) {
  if (index === undefined) return '';
  const one = Array.isArray(value) ? value[Number(index)] : undefined;
  const name = typeof one?.name === 'string' ? `“${one.name}”` : Number(index) + 1;
  return `, case ${name}${rest.length > 0 ? `, ${rest.join('/')}` : ''}`;
}
