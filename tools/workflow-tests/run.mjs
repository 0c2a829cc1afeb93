// @ts-check
import { readOptions, USAGE } from './options.mjs';
import { UsageError } from './usage-error.mjs';
import { workflowTests } from './workflow-tests.mjs';

/**
 * `npm run workflow-tests -- [folder…]`: runs the tests that lie beside workflows, by simulation. Ends with the line
 * `N passed, N failed`, and with 1 when one failed, with 2 when none could be run.
 */
try {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    console.log(USAGE);
  } else {
    const options = readOptions(process.argv.slice(2), process.env);
    const { passed, failed } = await workflowTests(options, (line) => console.log(line));
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  console.error('npm run workflow-tests -- --help says how it is used');
  process.exitCode = 2;
}
