import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ObjectStoreError, segmentsOf, type ObjectStore } from './object-store';

/** Files below a folder, which must exist. Only the account of the service should be able to write there. */
export class FolderStore implements ObjectStore {
  constructor(private readonly root: string) {}

  async put(key: string, chunks: AsyncIterable<Buffer>): Promise<void> {
    const segments = segmentsOf(key);
    const name = segments.pop() ?? '';
    const folder = await this.folderOf(segments);
    const target = path.join(folder, name);
    await refuseOther(target, 'file');
    // Beside the target: a rename is only one step within a file system. No key begins with a dot.
    const draft = path.join(folder, `.${name}.${randomUUID()}.part`);
    try {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o640);
      try {
        for await (const chunk of chunks) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, target);
      await syncFolder(folder);
    } catch (error) {
      await rm(draft, { force: true });
      throw isSystemError(error)
        ? new ObjectStoreError('unavailable', `the folder cannot be written: ${error.code}`)
        : error;
    }
  }

  /** Made step by step, so that no link on the way leads elsewhere. */
  private async folderOf(segments: readonly string[]): Promise<string> {
    const root = await realpath(this.root).catch(() => {
      throw new ObjectStoreError('unavailable', 'the folder for exports is not there');
    });
    let folder = root;
    for (const part of segments) {
      folder = path.join(folder, part);
      await mkdir(folder, { mode: 0o750 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST')
          throw new ObjectStoreError('unavailable', `the folder cannot be made: ${error.code}`);
      });
      await refuseOther(folder, 'folder');
    }
    if ((await realpath(folder)) !== folder) throw new ObjectStoreError('refused', 'the folder is a link');
    return folder;
  }
}

/** Refuses links and whatever else is no file or folder; what is not there is well. */
const refuseOther = async (place: string, kind: 'file' | 'folder'): Promise<void> => {
  const found = await lstat(place).catch(() => null);
  if (found && !(kind === 'file' ? found.isFile() : found.isDirectory()))
    throw new ObjectStoreError('refused', `in the way is something that is no ${kind}`);
};

/** Only then does a rename survive a loss of power. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;
