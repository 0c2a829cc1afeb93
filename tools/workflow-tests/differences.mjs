// @ts-check

/**
 * What a simulation answers.
 *
 * @typedef {object} Outcome
 * @property {string} state
 * @property {{ key: string, state: string, explanation?: string | null, approvers: { userName: string, why?: unknown }[] }[]} stages
 */

/**
 * Where an outcome is not as expected, a line each; none when all is.
 *
 * @param {import('./read-suites.mjs').Case['expect']} expected
 * @param {Outcome} outcome
 * @returns {string[]}
 */
export function differences({ state, stages = {} }, outcome) {
  const lines = state === undefined || state === outcome.state ? [] : [unlike('state', state, outcome.state)];
  for (const [key, stage] of Object.entries(stages)) {
    const found = outcome.stages.find((one) => one.key === key);
    if (found) lines.push(...stageDifferences(key, stage, found));
    else
      lines.push(
        `stage ${key}: there is no such stage, only ${outcome.stages.map((one) => one.key).join(', ')}`,
      );
  }
  return lines;
}

/**
 * @param {string} key
 * @param {import('./read-suites.mjs').ExpectedStage} expected
 * @param {Outcome['stages'][number]} found
 */
function stageDifferences(key, expected, found) {
  const lines = [];
  const explanation = found.explanation ?? '';
  if (expected.state !== undefined && expected.state !== found.state)
    lines.push(
      `${unlike(`stage ${key}, state`, expected.state, found.state)}${explanation && ` (${explanation})`}`,
    );
  if (expected.approvers) {
    const wanted = new Map(expected.approvers.map((name) => [name.toLowerCase(), name]));
    const present = new Map(found.approvers.map(({ userName }) => [userName.toLowerCase(), userName]));
    const missing = [...wanted].filter(([name]) => !present.has(name)).map(([, name]) => name);
    const extra = [...present].filter(([name]) => !wanted.has(name)).map(([, name]) => name);
    const said = [
      ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
      ...(extra.length > 0 ? [`with ${extra.join(', ')} besides`] : []),
    ];
    if (said.length > 0)
      lines.push(
        `${unlike(`stage ${key}, approvers`, list([...wanted.values()]), list([...present.values()]))} (${said.join('; ')})`,
      );
  }
  for (const part of [expected.explanation ?? []].flat()) {
    if (!explanation.toLowerCase().includes(part.toLowerCase()))
      lines.push(unlike(`stage ${key}, explanation`, `… ${part} …`, explanation || 'none'));
  }
  return lines;
}

/** @param {string} what @param {string} expected @param {string} found */
const unlike = (what, expected, found) => `${what}: expected ${expected}, got ${found}`;

/** @param {string[]} names */
const list = (names) => (names.length > 0 ? names.join(', ') : 'nobody');
