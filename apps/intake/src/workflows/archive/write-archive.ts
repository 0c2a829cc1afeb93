import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface ArchivedFile {
  name: string;
  text: string;
}

const compress = promisify(gzip);

/** RFC 1952 §2.3.1: where the header says what system wrote the file, and the value for "unknown". */
const systemAt = 9;
const unknownSystem = 255;

/**
 * A gzipped tar that depends on nothing but names and texts: no times, owners or modes of anybody, files in the order of
 * their names, and no word about the machine that packed it.
 */
export const writeArchive = async (files: readonly ArchivedFile[]): Promise<Buffer> => {
  const archive = pack();
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    archive.on('data', (chunk: Buffer) => void chunks.push(chunk));
    archive.on('end', () => resolve());
    archive.on('error', reject);
  });
  for (const { name, text } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    archive.entry({ name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: 'file' }, text);
  }
  archive.finalize();
  await ended;
  const bytes = await compress(Buffer.concat(chunks), { level: 9 });
  bytes[systemAt] = unknownSystem;
  return bytes;
};
