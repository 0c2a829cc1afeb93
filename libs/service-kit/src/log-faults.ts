import type { OnFault } from '@countersign/messaging';
import type { Log } from './log';

/** A server that is away would fill the log with the same line: each goes there once in this time, in milliseconds. */
const pauseMs = 1_000;
const mostRemembered = 1_000;

/** Logs what goes wrong behind the scenes, with the ids of the message that it is about. */
export const logFaults = (log: Log): OnFault => {
  const last = new Map<string, number>();
  return (what, error, message) => {
    const now = Date.now();
    if (now - (last.get(what) ?? 0) < pauseMs) return;
    if (last.size > mostRemembered) last.clear();
    last.set(what, now);
    log.warn({ ...message, err: error }, what);
  };
};
