import { createHash } from 'node:crypto';
import type { EntryPage, Range } from './entry-page.rows';
import type { ExportFormat } from './formats/export-format';

/** Bytes of a piece of the stream; about what a socket takes at once. */
const pieceBytes = 64 * 1024;

/** A part of the log that was there when the stream began is not there any more, or was removed behind our back. */
export class BrokenRange extends Error {
  override name = 'BrokenRange';
}

export interface Sent {
  entries: number;
  bytes: number;
  /** Index of the last entry sent; null when there was none. */
  last: number | null;
  /** SHA-256 of all bytes, base64; there once the stream is complete. */
  digest: string | null;
}

export interface EntryStreamOptions {
  range: Range;
  format: ExportFormat;
  /** Without filters every index must come. */
  isWhole: boolean;
  /** In a transaction of its own: none is open while the reader takes what it got. */
  read: (range: Range) => Promise<EntryPage>;
}

/**
 * Entries of a range as bytes, page by page: one is being sent and one being read, whatever the length. Throws BrokenRange when
 * an entry of a whole range is missing, or something that a filter might have found was pruned before it was read.
 */
export async function* entryStream(
  { range, format, isWhole, read }: EntryStreamOptions,
  sent: Sent,
): AsyncGenerator<Buffer, void, void> {
  const hash = createHash('sha256');
  let text = format.head;
  const piece = (): Buffer => {
    const bytes = Buffer.from(text, 'utf8');
    text = '';
    hash.update(bytes);
    sent.bytes += bytes.length;
    return bytes;
  };
  const readOn = (from: number): Promise<EntryPage> | null => {
    if (from >= range.to) return null;
    const page = read({ from, to: range.to });
    // Looked at when its turn comes.
    page.catch(() => undefined);
    return page;
  };
  let expected = range.from;
  let from = range.from;
  for (let coming = readOn(from); coming;) {
    const page: EntryPage = await coming;
    if (page.first > from) throw new BrokenRange(`the entries ${from} to ${page.first - 1} have been pruned`);
    from = page.next;
    coming = readOn(from);
    for (const entry of page.entries) {
      if (isWhole && entry.index !== expected) throw new BrokenRange(`the entry ${expected} is missing`);
      expected = entry.index + 1;
      text += format.line(entry);
      sent.entries += 1;
      sent.last = entry.index;
      if (text.length >= pieceBytes) yield piece();
    }
    if (isWhole && page.next !== expected) throw new BrokenRange(`the entry ${expected} is missing`);
  }
  if (text !== '') yield piece();
  sent.digest = hash.digest('base64');
}
