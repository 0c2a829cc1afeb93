import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Violation } from '@countersign/contracts';
import { extract, type Headers } from 'tar-stream';
import type { ArchivedFile } from './write-archive';

export const mostFiles = 500;
export const largestArchive = 32 * 1024 * 1024;

/** What makes an archive no archive of workflows, as the violations of a call. */
export class ArchiveFault extends Error {
  override name = 'ArchiveFault';

  constructor(readonly errors: Violation[]) {
    super(errors.map(({ pointer, message }) => `${pointer}: ${message}`).join(' '));
  }
}

/** Larger than the default, which goes to another thread and back for every 16 KiB. */
const chunkSize = 1024 * 1024;

const decompress = promisify(gunzip);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON pointer of a file in the body, or of what is in it. */
export const filePointer = (name: string, within = ''): string =>
  `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${within}`;

const unpack = async (bytes: Buffer): Promise<Buffer> => {
  try {
    return await decompress(bytes, { maxOutputLength: largestArchive, chunkSize });
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const message = tooLarge
      ? `Unpacked, the archive has more than ${largestArchive / 1024 / 1024} MiB.`
      : 'The body is not a gzipped tar archive.';
    throw new ArchiveFault([{ pointer: '', message }]);
  }
};

/** Why an entry cannot be taken; null when it can. Nothing is ever written to disk: names are refused because they mislead. */
const refusal = ({ name, type, size, pax }: Headers & { pax?: Record<string, string> }): string | null => {
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory')
    return 'Only plain files may be in the archive, no links or devices.';
  if (name.startsWith('/') || name.includes('\\') || name.split('/').includes('..'))
    return 'The name leads out of the archive.';
  if (/\p{Cc}|\p{Cs}/u.test(name)) return 'The name holds control characters.';
  if (!Number.isSafeInteger(size) || (pax?.size !== undefined && !/^\d+$/.test(pax.size)))
    return 'The size of the file makes no sense.';
  if (type !== 'directory' && !/\.ya?ml$/i.test(name)) return 'Only YAML files may be in the archive.';
  return null;
};

/** Tests of workflows may lie beside them, in a folder that is kept in git as in one that is sent. */
const isTests = (name: string): boolean => /\.tests\.ya?ml$/i.test(name);

const listEntries = (tar: Buffer): Promise<{ name: string; bytes: Buffer }[]> =>
  new Promise((resolve, reject) => {
    const found: { name: string; bytes: Buffer }[] = [];
    const errors: Violation[] = [];
    let entries = 0;
    const archive = extract();
    const giveUp = (error: ArchiveFault) => {
      reject(error);
      archive.destroy();
    };
    archive.on('entry', (header, content, next) => {
      const name = header.name.replace(/^(?:\.\/)+/, '');
      const reason = refusal({ ...header, name });
      entries += 1;
      if (entries > mostFiles)
        return giveUp(
          new ArchiveFault([{ pointer: '', message: `The archive has more than ${mostFiles} files.` }]),
        );
      if (reason !== null) errors.push({ pointer: filePointer(name), message: reason });
      // Its end could not be found.
      if (reason !== null && !Number.isSafeInteger(header.size)) return giveUp(new ArchiveFault(errors));
      const chunks: Buffer[] = [];
      // An archive that ends in the middle of a file tells this file as well.
      content.on('error', () => undefined);
      content.on('data', (chunk: Buffer) => void chunks.push(chunk));
      content.on('end', () => {
        if (reason === null && header.type !== 'directory' && !isTests(name))
          found.push({ name, bytes: Buffer.concat(chunks) });
        next();
      });
    });
    archive.on('finish', () => (errors.length > 0 ? reject(new ArchiveFault(errors)) : resolve(found)));
    const broken = () => reject(new ArchiveFault([{ pointer: '', message: 'The tar archive is damaged.' }]));
    archive.on('error', broken);
    archive.on('close', broken);
    archive.end(tar);
  });

/** The YAML files of a gzipped tar, in memory and at a bounded cost. Throws ArchiveFault. */
export const readArchive = async (bytes: Buffer): Promise<ArchivedFile[]> => {
  const entries = await listEntries(await unpack(bytes));
  const errors: Violation[] = [];
  const files = entries.flatMap(({ name, bytes: content }) => {
    try {
      return [{ name, text: utf8.decode(content) }];
    } catch {
      errors.push({ pointer: filePointer(name), message: 'The file is not valid UTF-8.' });
      return [];
    }
  });
  if (errors.length > 0) throw new ArchiveFault(errors);
  if (files.length === 0)
    throw new ArchiveFault([{ pointer: '', message: 'There is no workflow in the archive.' }]);
  return files;
};
