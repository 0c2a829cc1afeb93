// @ts-check
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** Seeds are 32 bits wide. */
const HIGHEST_SEED = 2 ** 32 - 1;
const MOST_MINUTES = 60;

/**
 * @param {string[]} args
 * @returns {{ minutes: number, seed: number }} a seed of chance when none is given
 * @throws when one is out of its range
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: { minutes: { type: 'string', default: '3' }, seed: { type: 'string' } },
  });
  return {
    minutes: count('minutes', values.minutes, 1, MOST_MINUTES),
    seed: values.seed === undefined ? randomInt(HIGHEST_SEED) : count('seed', values.seed, 0, HIGHEST_SEED),
  };
}

/**
 * @param {string} option
 * @param {string} value
 * @param {number} least
 * @param {number} most
 */
function count(option, value, least, most) {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (!(number >= least && number <= most))
    throw new Error(`--${option}: ${value} is no whole number from ${least} to ${most}`);
  return number;
}
