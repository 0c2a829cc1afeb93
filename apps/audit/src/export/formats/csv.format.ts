import type { ExportedEntry } from '../exported-entry';
import type { ExportFormat } from './export-format';

/** Fields that a spreadsheet would take for a formula, full-width forms too, and those that begin with the mark itself. */
const isRisky = /^[=+\-@\t\r\n'＝＋－＠]/;

/**
 * A field by RFC 4180. What a spreadsheet would run is marked with an apostrophe in front, and so is what begins with one:
 * whoever takes away one leading apostrophe from every field has exactly what was there.
 */
export const csvField = (value: string | number | null): string => {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = isRisky.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

interface Actor {
  type: string;
  id: string | null;
  via: string | null;
}

const actorOf = (content: string): Partial<Actor> =>
  (JSON.parse(content) as { actor?: Partial<Actor> }).actor ?? {};

const columns: readonly (readonly [
  string,
  (entry: ExportedEntry, actor: Partial<Actor>) => string | number | null,
])[] = [
  ['index', ({ index }) => index],
  ['id', ({ id }) => id],
  ['type', ({ type }) => type],
  ['at', ({ at }) => at],
  ['request_id', ({ requestId }) => requestId],
  ['request_version', ({ requestVersion }) => requestVersion],
  ['workflow', ({ workflow }) => workflow],
  ['actor_type', (_, { type }) => type ?? null],
  ['actor_id', (_, { id }) => id ?? null],
  ['actor_via', (_, { via }) => via ?? null],
  ['content', ({ content }) => content],
  ['sealed', ({ sealed }) => sealed],
  ['leaf_hash', ({ leafHash }) => leafHash],
];

/** RFC 4180 with a header line; no field has a line break in it. */
export const csv: ExportFormat = {
  mediaType: 'text/csv; charset=utf-8; header=present',
  extension: 'csv',
  head: `${columns.map(([name]) => name).join(',')}\r\n`,
  line: (entry) => {
    const actor = actorOf(entry.content);
    return `${columns.map(([, value]) => csvField(value(entry, actor))).join(',')}\r\n`;
  },
};
