/** An entry on its way out. What is JSON stays the text that it is in the database: it is not parsed to be written again. */
export interface ExportedEntry {
  index: number;
  id: string;
  type: string;
  /** RFC 3339 in UTC with milliseconds. */
  at: string;
  requestId: string | null;
  requestVersion: number | null;
  workflow: string | null;
  /** JSON object on one line. */
  content: string;
  /** JSON array on one line, as product §3 shows it. */
  sealed: string;
  /** base64. */
  leafHash: string;
}
