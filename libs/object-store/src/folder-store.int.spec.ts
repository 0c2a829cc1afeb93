import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FolderStore } from './folder-store';
import { ObjectStoreError } from './object-store';

let dir: string;
let root: string;
let store: FolderStore;
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'countersign-folder-'));
  root = path.join(dir, 'root');
  await mkdir(root);
  store = new FolderStore(root);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}
async function* failing() {
  yield Buffer.from('half');
  throw new Error('away');
}
const refusal = (code: string) => expect.objectContaining({ name: 'ObjectStoreError', code });

describe('a folder', () => {
  it('gets whole files, in folders of their own, again and again', async () => {
    await store.put('one/two/log.csv', chunks('a', 'b'));
    await store.put('one/two/log.csv', chunks('c', '', 'd'));
    expect(await readFile(path.join(root, 'one/two/log.csv'), 'utf8')).toBe('cd');
    expect(await readdir(path.join(root, 'one/two'))).toEqual(['log.csv']);
  });

  it('has nothing of a file that could not be made, and keeps the one before', async () => {
    await store.put('one/log.csv', chunks('old'));
    await expect(store.put('one/log.csv', failing())).rejects.toThrow('away');
    await expect(store.put('one/new.csv', failing())).rejects.toThrow('away');
    expect(await readdir(path.join(root, 'one'))).toEqual(['log.csv']);
    expect(await readFile(path.join(root, 'one/log.csv'), 'utf8')).toBe('old');
  });

  it.each([
    '../x',
    'a/../x',
    '/etc/x',
    'a//x',
    './x',
    'a/.x',
    'a/-x',
    'a\\x',
    'a/x\0',
    '',
    'a/',
    'a/b c',
    'ä',
  ])('refuses the key %j', async (key) => {
    await expect(store.put(key, chunks('x'))).rejects.toEqual(refusal('bad_key'));
    expect(await readdir(dir, { recursive: true })).toEqual(['root']);
  });

  it('goes through no link and writes over none', async () => {
    const outside = path.join(dir, 'outside');
    await mkdir(outside);
    await writeFile(path.join(outside, 'log.csv'), 'precious');
    await symlink(outside, path.join(root, 'linked'));
    await mkdir(path.join(root, 'own'));
    await symlink(path.join(outside, 'log.csv'), path.join(root, 'own/log.csv'));
    await expect(store.put('linked/log.csv', chunks('x'))).rejects.toEqual(refusal('refused'));
    await expect(store.put('linked/deeper/log.csv', chunks('x'))).rejects.toEqual(refusal('refused'));
    await expect(store.put('own/log.csv', chunks('x'))).rejects.toEqual(refusal('refused'));
    expect(await readdir(outside)).toEqual(['log.csv']);
    expect(await readFile(path.join(outside, 'log.csv'), 'utf8')).toBe('precious');
  });

  it('that is not there is said to be so', async () => {
    await rm(root, { recursive: true });
    const failed = store.put('a.csv', chunks('x'));
    await expect(failed).rejects.toBeInstanceOf(ObjectStoreError);
    await expect(failed).rejects.toEqual(refusal('unavailable'));
  });
});
