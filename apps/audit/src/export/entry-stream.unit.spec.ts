import { createHash } from 'node:crypto';
import { exported } from '../../test/exported-entries';
import type { EntryPage, Range } from './entry-page.rows';
import { BrokenRange, entryStream, type EntryStreamOptions, type Sent } from './entry-stream';
import { csv } from './formats/csv.format';
import { ndjson } from './formats/ndjson.format';

const nothingSent = (): Sent => ({ entries: 0, bytes: 0, last: null, digest: null });
const entries = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => exported({ index: from + n }));

/** Pages of three of a log of which some entries may be missing. */
const logOf =
  (missing: readonly number[] = []) =>
  async ({ from, to }: Range): Promise<EntryPage> => {
    const next = Math.min(from + 3, to);
    return { next, first: 0, entries: entries(from, next).filter(({ index }) => !missing.includes(index)) };
  };
const collect = async (options: Partial<EntryStreamOptions>, sent = nothingSent()) => {
  const chunks: Buffer[] = [];
  const all = { range: { from: 0, to: 10 }, format: ndjson, isWhole: true, read: logOf(), ...options };
  for await (const chunk of entryStream(all, sent)) chunks.push(chunk);
  return { text: Buffer.concat(chunks).toString('utf8'), sent };
};
const indexesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).index);

describe('the stream', () => {
  it('has every entry of the range in order, and says what it sent', async () => {
    const { text, sent } = await collect({ range: { from: 2, to: 10 } });
    expect(indexesOf(text)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(sent).toEqual({
      entries: 8,
      bytes: Buffer.byteLength(text),
      last: 9,
      digest: createHash('sha256').update(text).digest('base64'),
    });
  });

  it('is just the head for an empty range', async () => {
    expect((await collect({ range: { from: 5, to: 5 }, format: csv })).text).toBe(csv.head);
    expect((await collect({ range: { from: 9, to: 5 } })).text).toBe('');
  });

  it.each([[[0]], [[4]], [[5]], [[9]], [[3, 4, 5]]])(
    'fails when of a whole log %j is missing',
    async (missing) => {
      const sent = nothingSent();
      await expect(collect({ read: logOf(missing) }, sent)).rejects.toThrow(BrokenRange);
      expect(sent.digest).toBeNull();
    },
  );

  it.each([true, false])(
    'fails when something was pruned before it was read (whole: %s)',
    async (isWhole) => {
      const sent = nothingSent();
      const read = async (range: Range) => ({ ...(await logOf()(range)), first: range.from < 6 ? 3 : 7 });
      await expect(collect({ range: { from: 3, to: 10 }, isWhole, read }, sent)).rejects.toThrow(
        new BrokenRange('the entries 6 to 6 have been pruned'),
      );
      expect(sent).toMatchObject({ last: 5, digest: null });
    },
  );

  it('goes on when only what it has read already is pruned', async () => {
    const read = async (range: Range) => ({ ...(await logOf()(range)), first: range.from });
    expect(indexesOf((await collect({ isWhole: false, read })).text)).toHaveLength(10);
  });

  it('leaves out what a filter leaves out', async () => {
    expect(indexesOf((await collect({ isWhole: false, read: logOf([0, 3, 4, 5]) })).text)).toEqual([
      1, 2, 6, 7, 8, 9,
    ]);
  });

  it('fails with what reading fails with', async () => {
    const read = (range: Range) => (range.from < 3 ? logOf()(range) : Promise.reject(new Error('away')));
    await expect(collect({ read })).rejects.toThrow('away');
  });

  it('reads one page ahead and no further while nobody takes anything', async () => {
    const pages: number[] = [];
    const large = exported({ content: JSON.stringify({ actor: {}, text: 'x'.repeat(70_000) }) });
    const read = async ({ from }: Range): Promise<EntryPage> => {
      pages.push(from);
      return { next: from + 1, first: 0, entries: [{ ...large, index: from }] };
    };
    const stream = entryStream(
      { range: { from: 0, to: 100 }, format: ndjson, isWhole: true, read },
      nothingSent(),
    );
    await stream.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pages).toEqual([0, 1]);
    await stream.return();
    expect(pages).toEqual([0, 1]);
  });
});
