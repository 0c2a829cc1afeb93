// @ts-check
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const ROTATE_BYTES = 20 * 1024 * 1024;
const POLL_MS = 500;
/** A service in trouble may log thousands of lines a second; its file has them all. */
const LINES_PER_POLL = 10;
/** pino's levels: 40 is warn. */
const WARN = 40;

/**
 * Puts a log that has grown past 20 MB aside as `<file>.1`, replacing the one before.
 *
 * @param {string} file
 */
export function rotate(file) {
  if (existsSync(file) && statSync(file).size > ROTATE_BYTES) renameSync(file, `${file}.1`);
}

/**
 * Reports warnings, errors and everything that is not JSON (stack traces) from what is appended to a
 * service's log. The service writes to the file itself, so a busy log costs this process little.
 *
 * @param {string} file
 * @param {(line: string) => void} report
 * @returns {{ flush: () => void, close: () => void }}
 */
export function followWarnings(file, report) {
  const handle = openSync(file, 'a+', 0o600);
  let position = fstatSync(handle).size;
  let rest = '';
  const flush = () => {
    const size = fstatSync(handle).size;
    if (size <= position) return;
    const bytes = Buffer.alloc(Math.min(size - position, 4 * 1024 * 1024));
    position += readSync(handle, bytes, 0, bytes.length, position);
    const lines = (rest + bytes.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    const worth = lines.map(warning).filter((line) => line !== undefined);
    worth.slice(0, LINES_PER_POLL).forEach((line) => report(line));
    if (worth.length > LINES_PER_POLL) report(`… and ${worth.length - LINES_PER_POLL} more in ${file}`);
  };
  const timer = setInterval(flush, POLL_MS);
  timer.unref();
  return {
    flush,
    close() {
      clearInterval(timer);
      flush();
      closeSync(handle);
    },
  };
}

/**
 * @param {string} line
 * @returns {string | undefined} what to show of it
 */
export function warning(line) {
  if (line.trim() === '') return undefined;
  if (!line.startsWith('{')) return line;
  try {
    const { level, msg, err } = JSON.parse(line);
    if (typeof level === 'number' && level < WARN) return undefined;
    return [msg, err?.message].filter((part) => part && part !== '').join(': ') || line;
  } catch {
    return line;
  }
}
