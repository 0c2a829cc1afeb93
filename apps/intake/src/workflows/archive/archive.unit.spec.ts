import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack, type Headers } from 'tar-stream';
import { parse } from 'yaml';
import { exportedText } from './exported-text';
import { ArchiveFault, largestArchive, mostFiles, readArchive } from './read-archive';
import { writeArchive } from './write-archive';

const tarOf = async (...entries: [Headers, string?][]): Promise<Buffer> => {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const faults = async (bytes: Buffer): Promise<{ pointer: string; message: string }[]> => {
  try {
    await readArchive(bytes);
    return [];
  } catch (error) {
    if (error instanceof ArchiveFault) return error.errors;
    throw error;
  }
};

describe('an archive of workflows', () => {
  const files = [
    { name: 'b.yaml', text: '# mine\nkey: b\n' },
    { name: 'a.yaml', text: 'key: "ä"\n' },
  ];

  it('has the same bytes for the same content, whatever the order and the time', async () => {
    const one = await writeArchive(files);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const other = await writeArchive([...files].reverse());
    expect(one.equals(other)).toBe(true);
    // RFC 1952 §2.3: no flags, no time, an unknown system.
    expect([...one.subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    expect(one[9]).toBe(255);
  });

  it('gives back what was put in, sorted by name', async () => {
    expect(await readArchive(await writeArchive(files))).toEqual([files[1], files[0]]);
  });

  it('keeps names too long for the first tar format', async () => {
    const long = [{ name: `${'k'.repeat(150)}.yaml`, text: 'key: k\n' }];
    expect(await readArchive(await writeArchive(long))).toEqual(long);
  });

  it('takes an archive of a folder as tar makes it, and leaves tests in it alone', async () => {
    const tar = await tarOf(
      [{ name: './', type: 'directory' }],
      [{ name: './flows/', type: 'directory' }],
      [{ name: './flows/a.yaml', mtime: new Date(), mode: 0o600, uid: 501 }, 'key: a\n'],
      [{ name: './flows/a.tests.yaml' }, 'tests: []\n'],
      [{ name: './b.yml' }, 'key: b\n'],
    );
    expect(await readArchive(gzipSync(tar))).toEqual([
      { name: 'flows/a.yaml', text: 'key: a\n' },
      { name: 'b.yml', text: 'key: b\n' },
    ]);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['no gzip', Buffer.from('key: a')],
    ['half a gzip', gzipSync('x'.repeat(5_000)).subarray(0, 30)],
    ['no tar', gzipSync(Buffer.alloc(2_048, 'x'))],
    ['half a tar', gzipSync(Buffer.alloc(700, 'x'))],
    ['no files', gzipSync(Buffer.alloc(1_024))],
  ])('refuses %s', async (_, bytes) => {
    expect(await faults(bytes)).toEqual([{ pointer: '', message: expect.any(String) }]);
  });

  it.each<[string, Headers, RegExp]>([
    ['a symbolic link', { name: 'a.yaml', type: 'symlink', linkname: '/etc/passwd' }, /no links/],
    ['a hard link', { name: 'a.yaml', type: 'link', linkname: 'b.yaml' }, /no links/],
    ['a device', { name: 'a.yaml', type: 'character-device' }, /no links or devices/],
    ['an absolute name', { name: '/etc/a.yaml' }, /leads out/],
    ['a name that climbs', { name: 'x/../../a.yaml' }, /leads out/],
    ['a name with a backslash', { name: 'x\\a.yaml' }, /leads out/],
    ['a name with control characters', { name: 'x\u0007a.yaml' }, /control characters/],
    ['another kind of file', { name: 'run.sh' }, /Only YAML/],
  ])('refuses %s and names the file', async (_, header, message) => {
    const found = await faults(gzipSync(await tarOf([header], [{ name: 'fine.yaml' }, 'key: a\n'])));
    expect(found).toEqual([
      { pointer: `/${header.name.replaceAll('/', '~1')}`, message: expect.stringMatching(message) },
    ]);
  });

  it('refuses text that is not UTF-8', async () => {
    const tar = await tarOf([{ name: 'a.yaml' }, 'key: a\n']);
    tar[tar.indexOf('key: a')] = 0xff;
    expect(await faults(gzipSync(tar))).toEqual([
      { pointer: '/a.yaml', message: expect.stringMatching(/UTF-8/) },
    ]);
  });

  it('refuses too many files', async () => {
    const many = Array.from({ length: mostFiles + 1 }, (_, at) => ({ name: `${at}.yaml`, text: '' }));
    expect(await faults(await writeArchive(many))).toEqual([
      { pointer: '', message: expect.stringMatching(/more than 500 files/) },
    ]);
  });

  it('does not unpack a bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * largestArchive));
    const before = process.memoryUsage().arrayBuffers;
    expect(await faults(bomb)).toEqual([{ pointer: '', message: expect.stringMatching(/32 MiB/) }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * largestArchive);
  });

  it('answers whatever comes: damage anywhere is a fault or changes nothing but texts', async () => {
    const whole = gunzipSync(await writeArchive(files));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.option(fc.nat(whole.length), { freq: 4 }),
        async (changes, end) => {
          const damaged = Buffer.from(whole.subarray(0, end ?? whole.length));
          for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
          const answer = await Promise.race([
            readArchive(gzipSync(damaged, { level: 1 })).catch((error: unknown) => error),
            new Promise((resolve) => void setTimeout(resolve, 5_000, 'no answer').unref()),
          ]);
          expect(answer instanceof ArchiveFault || Array.isArray(answer)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the text of a version that was given as JSON', () => {
  const json = (definition: Record<string, unknown>) =>
    exportedText({ mediaType: 'application/json', text: JSON.stringify(definition), definition });

  it('is YAML that says the same', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
          fc.jsonValue({ maxDepth: 4 }),
        ),
        (definition) => {
          const plain = JSON.parse(JSON.stringify(definition)) as Record<string, unknown>;
          const text = json(plain);
          expect(json(plain)).toBe(text);
          expect(parse(text, { version: '1.2', schema: 'core' })).toEqual(plain);
        },
      ),
      { numRuns: 500 },
    );
  });
});
