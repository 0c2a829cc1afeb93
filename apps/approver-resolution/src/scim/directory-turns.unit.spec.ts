import { setImmediate as nextTurn } from 'node:timers/promises';
import { DirectoryTurns } from './directory-turns';
import type { DirectoryLock } from '../directory/lock-directory';

describe('turns at a directory', () => {
  let turns: DirectoryTurns;
  let running: string[];
  const ends = new Map<string, () => void>();
  const begin = (name: string, lock: DirectoryLock, workspace = 'one') =>
    turns.take(workspace, lock, async () => {
      running.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      running = running.filter((other) => other !== name);
      return name;
    });
  const end = async (...names: string[]) => {
    for (const name of names) ends.get(name)?.();
    await nextTurn();
  };
  beforeEach(() => {
    turns = new DirectoryTurns(60_000);
    running = [];
  });

  it('are shared by a few, and wait for who is alone, in the order of their coming', async () => {
    const all = [
      ...['a', 'b', 'c', 'd', 'e'].map((name) => begin(name, 'shared')),
      begin('bulk', 'exclusive'),
      begin('f', 'shared'),
    ];
    await nextTurn();
    expect(running).toEqual(['a', 'b', 'c', 'd']);
    await end('a', 'b');
    expect(running).toEqual(['c', 'd', 'e']);
    await end('c', 'd', 'e');
    expect(running).toEqual(['bulk']);
    await end('bulk');
    expect(running).toEqual(['f']);
    await end('f');
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd', 'e', 'bulk', 'f']);
  });

  it('of one workspace do not keep another waiting', async () => {
    const both = [begin('bulk', 'exclusive'), begin('other', 'exclusive', 'two')];
    await nextTurn();
    expect(running).toEqual(['bulk', 'other']);
    await end('bulk', 'other');
    await Promise.all(both);
  });

  it('go on after a failure, and after somebody who gave up', async () => {
    turns = new DirectoryTurns(20);
    await expect(turns.take('one', 'exclusive', () => Promise.reject(new Error('away')))).rejects.toThrow(
      'away',
    );
    const bulk = begin('bulk', 'exclusive');
    await expect(begin('late', 'exclusive')).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    await end('bulk');
    await bulk;
    const after = begin('after', 'shared');
    await nextTurn();
    await end('after');
    expect(await after).toBe('after');
  });
});
