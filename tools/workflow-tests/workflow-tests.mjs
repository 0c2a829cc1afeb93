// @ts-check
import { connect, problemOf } from './api.mjs';
import { atMost } from './at-most.mjs';
import { differences } from './differences.mjs';
import { provision } from './provision.mjs';
import { readOrganisation } from './read-organisation.mjs';
import { readSuites } from './read-suites.mjs';
import { uploadWorkflow } from './upload-workflow.mjs';

/** Simulations and uploads under way at once. */
const AT_ONCE = 8;

/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {import('./read-suites.mjs').Case} Case */

/**
 * Runs every case of every workflow below the folders, and says how each went.
 *
 * @param {import('./options.mjs').Options} options
 * @param {(line: string) => void} log
 * @returns {Promise<{ passed: number, failed: number }>}
 * @throws UsageError before anything was run
 */
export async function workflowTests({ folders, url, apiKey, organisation, live }, log) {
  // All files first: a mistake in the last one should not be found after the first has been uploaded.
  const suites = readSuites(folders);
  const people = organisation === null ? null : readOrganisation(organisation);
  const api = connect({ url, apiKey });
  if (people) {
    const { users, groups } = await provision(api, people, { live });
    log(`people: ${users} of ${people.length} created or changed, and ${groups} groups`);
  }
  const uploads = await atMost(AT_ONCE, suites, (suite) => uploadWorkflow(api, suite));
  const runs = suites.flatMap(({ key, cases }, suite) => {
    const upload = uploads[suite];
    return upload && 'version' in upload
      ? cases.map((one) => ({ suite, case: one, key, version: upload.version }))
      : [];
  });
  const found = await atMost(AT_ONCE, runs, (run) => runCase(api, run));

  const total = { passed: 0, failed: 0 };
  suites.forEach(({ key, folder, cases }, suite) => {
    const upload = uploads[suite];
    if (!upload || 'problem' in upload) {
      log(`${key} (${folder}): refused`);
      log(indented(upload?.problem ?? '', '    '));
      total.failed += Math.max(1, cases.length);
      return;
    }
    const { version, isNew } = upload;
    log(
      `${key} (${folder}), version ${version}${isNew ? ', a new draft' : ''}${cases.length === 0 ? ': no tests' : ''}`,
    );
    runs.forEach((run, index) => {
      if (run.suite !== suite) return;
      const faults = found[index] ?? [];
      total[faults.length === 0 ? 'passed' : 'failed'] += 1;
      log(`  ${faults.length === 0 ? 'passed' : 'FAILED'}  ${run.case.name}`);
      for (const fault of faults) log(indented(fault, '            '));
    });
  });
  return total;
}

/** @param {string} text @param {string} margin */
const indented = (text, margin) =>
  text
    .split('\n')
    .map((line) => margin + line)
    .join('\n');

/**
 * @param {Api} api
 * @param {{ case: Case, key: string, version: number }} run
 * @returns {Promise<string[]>} what is not as expected
 */
async function runCase(api, { key, version, case: { requester, payload, decisions, expect } }) {
  const answer = await api('POST', `/v1/workflows/${encodeURIComponent(key)}/simulate`, {
    version,
    requester,
    payload,
    ...(decisions ? { decisions } : {}),
  });
  return answer.status === 200 ? differences(expect, answer.body) : [`refused: ${problemOf(answer)}`];
}
