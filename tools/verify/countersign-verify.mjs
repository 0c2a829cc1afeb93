#!/usr/bin/env node
// @ts-check
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AMBIGUOUS, hashOfEntry, faultOf, isAmbiguous, parse, verifyExport } from './entries.mjs';
import { Unable, Wrong } from './failure.mjs';
import { linesOf } from './lines.mjs';
import { mirror } from './mirror.mjs';
import { checkpointIn, cosigners, openCheckpoint, readLogKey, readWitnessKey } from './note.mjs';
import { provesConsistency, provesInclusion } from './tree.mjs';

const HELP = `countersign-verify: verifies an audit log of Countersign without trusting Countersign.

  countersign-verify export       --entries FILE --checkpoint FILE --key KEY
      every entry of an export (NDJSON), that none is missing, and that together they are what is signed;
      the checkpoint is in the headers of the export's answer
  countersign-verify inclusion    --entry FILE --proof FILE --checkpoint FILE --key KEY
      that an entry (JSON) is in the tree of the checkpoint; the proof is the answer of
      /v1/audit/proofs/inclusion?index=…&treeSize=…
  countersign-verify consistency  --from FILE --checkpoint FILE --proof FILE --key KEY
      that the newer checkpoint continues the older; the proof is the answer of
      /v1/audit/proofs/consistency?from=…&to=…
  countersign-verify cosignatures --checkpoint FILE --key KEY --witness KEY … [--quorum N]
      that at least N (all, when it is not given) of these witnesses have signed the checkpoint
  countersign-verify mirror       --url URL --dir FOLDER --key KEY [--witness KEY … --quorum N] [--full]
      fetches the log at URL (…/v1/audit/log) into a folder and verifies it, also against what the
      folder was before; a later run fetches and reads what is new, or missing or changed in the folder.
      The API key is taken from COUNTERSIGN_KEY.
      --full reads everything again; with --witness it says how far N (all) of these witnesses vouch

KEY is a verifier key (name+id+key, from /v1/audit/verifier-key, kept by you), or a file that has one.
FILE may be - for standard input. For a checkpoint it may be the headers of an export, as curl -D writes them.

Exit code: 0 verified, 1 something is wrong (each line names the index), 2 it could not be verified.
`;

const OPTIONS = /** @type {const} */ ({
  entries: { type: 'string' },
  entry: { type: 'string' },
  proof: { type: 'string' },
  checkpoint: { type: 'string' },
  from: { type: 'string' },
  key: { type: 'string' },
  witness: { type: 'string', multiple: true },
  quorum: { type: 'string' },
  url: { type: 'string' },
  dir: { type: 'string' },
  full: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
});

/** @typedef {ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']} Values */

/** @type {Record<string, (values: Values) => Promise<string>>} */
const commands = {
  async export(values) {
    const checkpoint = await checkpointOf(values);
    const name = needed(values, 'entries');
    const input = name === '-' ? process.stdin : createReadStream(name);
    const failed = new Promise((_, reject) =>
      input.once('error', (/** @type {Error} */ error) => reject(new Unable(error.message))),
    );
    const { entries, erased } = await Promise.race([
      verifyExport(linesOf(input), checkpoint),
      /** @type {Promise<never>} */ (failed),
    ]);
    return `verified: ${entries} entries of ${checkpoint.origin}${noteOf(erased)}`;
  },

  async inclusion(values) {
    const checkpoint = await checkpointOf(values);
    const text = await read(needed(values, 'entry'));
    const entry = parse(text);
    if (!entry) throw new Unable('--entry is not an entry as JSON');
    const fault = isAmbiguous(text, entry) ? AMBIGUOUS : faultOf(entry);
    if (fault) throw new Wrong(`index ${entry.index}: ${fault}`);
    const proof = await proofOf(values);
    const claim = {
      index: BigInt(entry.index),
      size: checkpoint.size,
      leaf: hashOfEntry(entry),
      proof,
      root: checkpoint.root,
    };
    if (!provesInclusion(claim))
      throw new Wrong(`index ${entry.index}: not proven to be in the tree of ${checkpoint.size} entries`);
    return `verified: entry ${entry.index} is in the log of ${checkpoint.origin} at ${checkpoint.size} entries`;
  },

  async consistency(values) {
    const to = await checkpointOf(values);
    const from = openCheckpoint(checkpointIn(await read(needed(values, 'from'))), await keyOf(values));
    if (from.size > to.size)
      throw new Wrong(
        `index ${to.size}: the log was cut off: it has ${to.size} entries and had ${from.size}`,
      );
    const proof = await proofOf(values);
    const claim = { from: from.size, to: to.size, fromRoot: from.root, toRoot: to.root, proof };
    if (!provesConsistency(claim))
      throw new Wrong(
        `index 0 to ${from.size === 0n ? 0n : from.size - 1n}: the log of ${to.size} entries is not proven to continue that of ${from.size}`,
      );
    return `verified: the log of ${to.origin} at ${to.size} entries continues that at ${from.size}`;
  },

  async cosignatures(values) {
    const checkpoint = await checkpointOf(values);
    if (!values.witness) throw new Unable('--witness is needed');
    return `verified: ${await witnessed(checkpoint, values)}`;
  },

  async mirror(values) {
    const key = await keyOf(values);
    const { witnesses, quorum } = await witnessesOf(values);
    const mirrored = await mirror({
      url: needed(values, 'url'),
      dir: path.resolve(needed(values, 'dir')),
      key,
      witnesses,
      apiKey: process.env.COUNTERSIGN_KEY,
      isFull: values.full ?? false,
      log: (line) => console.error(line),
    });
    const { size, before, firstIndex, now, earlier, mended } = mirrored;
    const verified = [
      `verified: ${size} entries of ${key.name}`,
      before === null ? '' : `, continuing the ${before} seen before`,
      firstIndex > 0n ? `; those before ${firstIndex} were pruned, their hashes are verified` : '',
      earlier > 0n
        ? `; ${now} were read now, and ${earlier} by an earlier run: nobody has changed their files since (--full reads them again)`
        : '',
      mended.count > 0
        ? `; note: fetched again what was missing or wrong in the folder: ${named(mended)}`
        : '',
    ].join('');
    return witnesses.length === 0 ? verified : `${verified}; ${vouched(mirrored, quorum, verified)}`;
  },
};

/** @param {import('./mirror.mjs').Mirrored['mended']} mended */
const named = ({ count, names }) =>
  `${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''}`;

/**
 * How far so many witnesses vouch: what they have signed later says the same of what is before.
 *
 * @param {import('./mirror.mjs').Mirrored} mirrored
 * @param {number} quorum
 * @param {string} verified
 */
function vouched({ cosigned, unjudged, size }, quorum, verified) {
  if (cosigned.length < quorum) {
    const pruned = unjudged.map(
      ({ name, size: at }) =>
        `, and what ${name} has signed at ${at} entries cannot be compared: those before were pruned`,
    );
    throw new Unable(
      `${cosigned.length} of these witnesses vouch for the log, not ${quorum}${pruned.join('')}; all else is right: ${verified}`,
    );
  }
  const farthest = [...cosigned].sort((one, other) => (one.size < other.size ? 1 : -1));
  const who = farthest.map((each) => `${each.name} ${each.size} at ${each.at.toISOString()}`);
  return `cosigned up to ${farthest[quorum - 1]?.size} of ${size} entries: ${who.join(', ')}`;
}

/** No fault: what is erased is so by right when the log tells of it. @param {import('./entries.mjs').Erased} erased */
function noteOf({ values, entries, requests }) {
  if (values === 0) return '';
  const told =
    requests === 0
      ? 'none of the entries tells of an erasure'
      : `${requests} tell that an erasure was asked for`;
  return `; note: ${values} sealed values in ${entries} entries are erased, and ${told}`;
}

/** Those given, and how many of them are wanted. @param {Values} values */
async function witnessesOf(values) {
  const given = await Promise.all((values.witness ?? []).map(fileOrText));
  const witnesses = given.map(readWitnessKey);
  const quorum = values.quorum === undefined ? witnesses.length : Number(values.quorum);
  if (values.quorum !== undefined && witnesses.length === 0) throw new Unable('--witness is needed');
  if (!Number.isInteger(quorum) || quorum < Math.min(1, witnesses.length) || quorum > witnesses.length)
    throw new Unable(`--quorum is a number from 1 to ${witnesses.length}`);
  return { witnesses, quorum };
}

/** @param {import('./note.mjs').Checkpoint} checkpoint @param {Values} values */
async function witnessed(checkpoint, values) {
  const { witnesses, quorum } = await witnessesOf(values);
  const found = new Map(cosigners(checkpoint, witnesses).map(({ name, at }) => [name, at]));
  if (found.size < quorum)
    throw new Wrong(
      `the checkpoint of ${checkpoint.size} entries has cosignatures of ${found.size} of these witnesses, not of ${quorum}`,
    );
  const who = [...found].map(([name, at]) => `${name} at ${at.toISOString()}`);
  return `the checkpoint of ${checkpoint.size} entries is cosigned by ${who.join(', ')}`;
}

/** @param {Values} values @param {'entries' | 'entry' | 'proof' | 'checkpoint' | 'from' | 'key' | 'url' | 'dir'} name */
function needed(values, name) {
  const value = values[name];
  if (value === undefined) throw new Unable(`--${name} is needed; --help says more`);
  return value;
}

/** @param {Values} values */
const keyOf = async (values) => readLogKey(await fileOrText(needed(values, 'key')));

/** @param {Values} values */
const checkpointOf = async (values) =>
  openCheckpoint(checkpointIn(await read(needed(values, 'checkpoint'))), await keyOf(values));

/** @param {Values} values */
async function proofOf(values) {
  const text = await read(needed(values, 'proof'));
  try {
    const hashes = /** @type {string[]} */ (JSON.parse(text).proof).map((hash) =>
      Buffer.from(hash, 'base64'),
    );
    if (hashes.every(({ length }) => length === 32)) return hashes;
  } catch {
    // Told below.
  }
  throw new Unable('--proof is not {"proof": [base64 of 32 bytes, …]}');
}

/** @param {string} name */
async function read(name) {
  if (name === '-') {
    let text = '';
    for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
    return text;
  }
  return readFile(name, 'utf8').catch((error) => {
    throw new Unable(error.message);
  });
}

/** A key has plus signs where no file of that name is likely to be. @param {string} given */
const fileOrText = (given) => readFile(given, 'utf8').catch(() => given);

/** @param {string[]} args */
async function main(args) {
  let parsed;
  try {
    parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Unable(`${/** @type {Error} */ (error).message}; --help says more`);
  }
  const [name, ...rest] = parsed.positionals;
  if (parsed.values.help || name === undefined) {
    process.stdout.write(HELP);
    return name === undefined && !parsed.values.help ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || rest.length > 0)
    throw new Unable(`there is no ${[name, ...rest].join(' ')}; --help says more`);
  console.log(await command(parsed.values));
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => void (process.exitCode = code),
  (error) => {
    const isWrong = error instanceof Wrong;
    console.error(isWrong ? `WRONG\n${error.message}` : `could not verify: ${error.message}`);
    process.exitCode = isWrong ? 1 : 2;
    // Standard input may still be open.
    process.stdin.destroy();
  },
);
