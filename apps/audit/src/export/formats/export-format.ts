import type { ExportedEntry } from '../exported-entry';

export const formatNames = ['ndjson', 'csv', 'ocsf'] as const;
export type FormatName = (typeof formatNames)[number];

/** How entries are written: each is one line, whatever is in it, so a stream that broke off goes on after its last whole line. */
export interface ExportFormat {
  mediaType: string;
  /** Of file names. */
  extension: string;
  /** What comes before the first entry; empty for nothing. */
  head: string;
  /** One entry with the line break after it. */
  line: (entry: ExportedEntry) => string;
}
