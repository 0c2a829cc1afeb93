import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../e2e/eventually';
import { violationsOf } from '../e2e/ledger';
import { countLeftOver, readBooks, sampleLeftOver } from '../e2e/read-books';
import { startChaosSystem, type ChaosSystem } from './chaos-system';
import { describeStrike, restMs, scheduleOf, type Round } from './schedule';
import { carryOut } from './strike';

export interface ChaosOptions {
  minutes: number;
  seed: number;
  root: string;
  /** Ends the run early, without a verdict. */
  signal: AbortSignal;
  log: (line: string) => void;
}

const load = { inFlight: 60, thinkMs: 4_000, patienceMs: 120_000 };

/** From the last strike until all is at rest. */
const drainMs = 60_000;

/** After each round, until a request is taken again. */
const takenAgainWithinMs = 60_000;

/** Of each rule, so that the verdict can be read. */
const mostShown = 10;

/** Runs it all, and says whether nothing is wrong. Everything that was started is stopped when it settles. */
export async function chaos(options: ChaosOptions): Promise<boolean> {
  const { minutes, seed, root, signal, log } = options;
  log(`seed ${seed}: npm run chaos -- --minutes ${minutes} --seed ${seed}`);
  log('starting two of every service');
  const chaosSystem = await startChaosSystem(root, load);
  try {
    signal.throwIfAborted();
    const findings = await struckAndChecked(chaosSystem, options);
    if (findings.length === 0) {
      log('nothing is lost, doubled, stuck, out of order or missing in the audit');
      return true;
    }
    for (const finding of findings) log(`WRONG: ${finding}`);
    log(`what was left of it: ${await keepEvidence(chaosSystem, options, findings)}`);
    return false;
  } finally {
    // Whatever is still on its way goes down with the system.
    if (signal.aborted) log('stopping');
    await chaosSystem.stop();
  }
}

/** Everything that turned out to be wrong. */
async function struckAndChecked(chaosSystem: ChaosSystem, options: ChaosOptions): Promise<string[]> {
  const { minutes, seed, signal, log } = options;
  const { system, load: work, subscribers, proxies } = chaosSystem;
  const schedule = scheduleOf(seed, minutes * 60_000);
  const findings: string[] = [];
  work.start();
  await untilAborted(
    eventually('the load is in full swing', () => work.taken >= load.inFlight, { withinMs: 60_000 }),
    signal,
  );
  const begunAt = Date.now();
  const say = (text: string) => {
    const seconds = ((Date.now() - begunAt) / 1_000).toFixed(1);
    log(`${seconds.padStart(7)} s ${String(work.taken).padStart(6)} taken  ${text}`);
  };
  for (const { breathMs, strikes } of schedule) {
    await pause(breathMs, undefined, { signal });
    const taken = work.taken;
    await untilAborted(strikeTogether(strikes), signal);
    await untilAborted(
      eventually('requests are taken again', () => work.taken > taken, { withinMs: takenAgainWithinMs }),
      signal,
    ).catch(note);
  }
  const overAt = Date.now();
  say('the last strike is over');
  await pause(restMs, undefined, { signal });
  await untilAborted(work.finish(), signal);
  say('the load has ended');
  findings.push(...work.stuck);
  await untilAborted(
    eventually(
      'nothing is under way any more',
      async () => Object.values(await countLeftOver(system)).every((count) => count === 0),
      { withinMs: overAt + drainMs - Date.now(), everyMs: 250 },
    ),
    signal,
  ).catch(note);
  say(`at rest ${((Date.now() - overAt) / 1_000).toFixed(1)} s after the last strike`);
  const books = await untilAborted(readBooks(system, work, subscribers), signal);
  const heard = books.subscribers.reduce((sum, subscriber) => sum + subscriber.heard.length, 0);
  log(
    `${schedule.flatMap(({ strikes }) => strikes).length} strikes, ${proxies.PostgreSQL.dropped} answers to COMMIT dropped; ` +
      `${books.promised.length} requests, ${books.decisions.length} decisions, ${books.log.length} entries in the log, ${heard} webhooks taken`,
  );
  const violations = violationsOf(books);
  for (const rule of new Set(violations.map((violation) => violation.rule))) {
    const details = violations.filter((violation) => violation.rule === rule).map(({ detail }) => detail);
    findings.push(...details.slice(0, mostShown).map((detail) => `${rule}: ${detail}`));
    if (details.length > mostShown) findings.push(`${rule}: ${details.length - mostShown} more`);
  }
  return findings;

  async function strikeTogether(strikes: Round['strikes']) {
    const outcomes = await Promise.allSettled(
      strikes.map((strike) => {
        say(describeStrike(strike));
        return carryOut(strike, chaosSystem);
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') note(outcome.reason);
  }

  function note(error: unknown) {
    signal.throwIfAborted();
    const finding = error instanceof Error ? error.message : String(error);
    say(`WRONG: ${finding}`);
    findings.push(finding);
  }
}

/** Logs, findings and rows, for whoever looks for the reason. */
async function keepEvidence(
  { system, load: work }: ChaosSystem,
  { root, seed }: ChaosOptions,
  findings: readonly string[],
): Promise<string> {
  const folder = path.join(root, '.countersign-chaos', `${seed}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(system.dataDir, 'logs'), path.join(folder, 'logs'), { recursive: true });
  const leftOver = await sampleLeftOver(system).catch(String);
  const evidence = { findings, leftOver, supervisor: system.lines, promised: work.promised };
  writeFileSync(path.join(folder, 'evidence.json'), JSON.stringify(evidence, null, 2));
  return folder;
}

/** The work itself goes on; nobody waits for it any more. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
