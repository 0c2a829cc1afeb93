// @ts-check
import { parseArgs } from 'node:util';

/** @typedef {'floor' | 'bullmq' | 'dbos' | 'restate'} Peer */

export const PEERS = /** @type {const} */ (['floor', 'bullmq', 'dbos', 'restate']);

/**
 * @typedef {object} BenchOptions
 * @property {Peer[]} peers
 * @property {number[]} inFlight
 * @property {number} lifecycles of each contestant at each load in each round
 * @property {number} rounds
 * @property {number} warmUp lifecycles of each contestant before the first round
 * @property {string} [json] file
 *
 * @param {string[]} args
 * @returns {BenchOptions}
 * @throws when one is unknown or no number
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: 'string', default: PEERS.join() },
      'in-flight': { type: 'string', default: '4,64,256' },
      lifecycles: { type: 'string', default: '2000' },
      rounds: { type: 'string', default: '2' },
      'warm-up': { type: 'string', default: '300' },
      json: { type: 'string' },
    },
  });
  return {
    peers: list(values.peers).map(peer),
    inFlight: list(values['in-flight']).map((value) => count('in-flight', value)),
    lifecycles: count('lifecycles', values.lifecycles),
    rounds: count('rounds', values.rounds),
    warmUp: count('warm-up', values['warm-up']),
    json: values.json,
  };
}

/** @param {string} value */
const list = (value) => value.split(',').filter((part) => part !== '');

/** @param {string} name @returns {Peer} */
function peer(name) {
  const known = PEERS.find((candidate) => candidate === name);
  if (!known) throw new Error(`--peers: there is no ${name}, only ${PEERS.join(', ')}`);
  return known;
}

/** @param {string} option @param {string} value */
function count(option, value) {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${option}: ${value} is no count`);
  return number;
}
