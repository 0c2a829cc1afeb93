// @ts-check

/**
 * @typedef {import('./run-record.mjs').Run} Run
 * @typedef {import('./lifecycle-driver.mjs').Result} Result
 *
 * @typedef {object} Summary the medians over the rounds
 * @property {string} contestant
 * @property {number} inFlight
 * @property {number} perSecond
 * @property {Result['legs']} legs milliseconds
 * @property {Record<string, number> | undefined} cpuSecondsPer1000 by process
 * @property {number} commitsPerLifecycle
 * @property {number} redisCommandsPerLifecycle
 * @property {number} redisScriptsPerLifecycle
 * @property {number} ours lifecycles per second of Countersign, as a multiple of this one's
 */

const OURS = 'countersign';

/**
 * @param {Run[]} runs
 * @returns {Summary[]} by load, in the order of the runs
 */
export function summarize(runs) {
  return unique(runs.map((run) => run.inFlight)).flatMap((inFlight) => {
    const atLoad = runs.filter((run) => run.inFlight === inFlight);
    const oursPerSecond = median(atLoad.filter((run) => run.contestant === OURS).map((run) => run.perSecond));
    return unique(runs.map((run) => run.contestant))
      .map((contestant) => ({ contestant, own: atLoad.filter((run) => run.contestant === contestant) }))
      .filter(({ own }) => own.length > 0)
      .map(({ contestant, own }) => {
        const perSecond = median(own.map((run) => run.perSecond));
        return {
          contestant,
          inFlight,
          perSecond,
          legs: mediansOf(
            own.map((run) => run.legs),
            (legs) => ({ p50: median(legs.map((leg) => leg.p50)), p99: median(legs.map((leg) => leg.p99)) }),
          ),
          cpuSecondsPer1000:
            own[0]?.cpuSecondsPer1000 &&
            mediansOf(
              own.map((run) => run.cpuSecondsPer1000 ?? {}),
              median,
            ),
          commitsPerLifecycle: median(own.map((run) => run.commitsPerLifecycle)),
          redisCommandsPerLifecycle: median(own.map((run) => run.redisCommandsPerLifecycle)),
          redisScriptsPerLifecycle: median(own.map((run) => scripts(run.redisCommands))),
          ours: oursPerSecond / perSecond,
        };
      });
  });
}

/**
 * @param {Summary[]} summaries
 * @returns {string} tables for a terminal
 */
export function tables(summaries) {
  const legs = Object.keys(summaries[0]?.legs ?? {});
  const main = table(
    [
      'in flight',
      'contestant',
      'per second',
      ...legs.map((leg) => `${leg} ms`),
      'commits',
      'Redis',
      'CPU s',
      'countersign is',
    ],
    summaries.map((summary) => [
      String(summary.inFlight),
      summary.contestant,
      summary.perSecond.toFixed(0),
      ...legs.map((leg) => `${summary.legs[leg]?.p50.toFixed(1)} / ${summary.legs[leg]?.p99.toFixed(1)}`),
      summary.commitsPerLifecycle.toFixed(1),
      `${summary.redisCommandsPerLifecycle.toFixed(0)} / ${summary.redisScriptsPerLifecycle.toFixed(1)}`,
      summary.cpuSecondsPer1000 ? total(summary.cpuSecondsPer1000).toFixed(1) : '?',
      summary.contestant === OURS ? '' : `${summary.ours.toFixed(2)} ×`,
    ]),
  );
  const cpu = table(
    ['in flight', 'contestant', 'CPU seconds per 1,000 lifecycles'],
    summaries.map(({ inFlight, contestant, cpuSecondsPer1000 }) => [
      String(inFlight),
      contestant,
      Object.entries(cpuSecondsPer1000 ?? {})
        .map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`)
        .join('   '),
    ]),
  );
  return `Medians over the rounds; milliseconds as p50 / p99; commits and Redis commands / scripts per lifecycle;\nCPU seconds per 1,000.\n\n${main}\n\n${cpu}\n`;
}

/** @param {string} contestant @param {number} inFlight @param {Result} result */
export function progressLine(contestant, inFlight, { perSecond, legs }) {
  const parts = Object.entries(legs).map(
    ([leg, { p50, p99 }]) => `${leg} ${p50.toFixed(1)}/${p99.toFixed(1)} ms`,
  );
  return `${contestant.padEnd(12)} ${String(inFlight).padStart(4)} in flight ${perSecond.toFixed(0).padStart(6)}/s   ${parts.join('   ')}`;
}

/** @param {string[]} head @param {string[][]} rows */
function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const numeric = head.map((_, column) => rows.every((row) => /^[\d?]|^$/.test(row[column] ?? '')));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) =>
          numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/**
 * @template Value, Result
 * @param {Record<string, Value>[]} records
 * @param {(values: Value[]) => Result} of
 * @returns {Record<string, Result>} key by key
 */
function mediansOf(records, of) {
  return Object.fromEntries(
    unique(records.flatMap((record) => Object.keys(record))).map((key) => [
      key,
      of(records.flatMap((record) => (key in record ? [/** @type {Value} */ (record[key])] : []))),
    ]),
  );
}

/** A script is one round trip, and each command in it counts as one, too. */
const scripts = (/** @type {Record<string, number>} */ commands) =>
  (commands.eval ?? 0) + (commands.evalsha ?? 0) + (commands.fcall ?? 0);

/** @param {Record<string, number>} record */
const total = (record) => Object.values(record).reduce((sum, value) => sum + value, 0);

/** @template Item @param {Item[]} items */
const unique = (items) => [...new Set(items)];
