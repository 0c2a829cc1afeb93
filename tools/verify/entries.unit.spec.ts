import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.mjs';
import { faultOf, hashOfEntry, isAmbiguous, verifyExport } from './entries.mjs';
import { Unable, Wrong } from './failure.mjs';
import { linesOf } from './lines.mjs';
import { checkpointIn } from './note.mjs';
import { leafHash, provesConsistency, provesInclusion, Tree } from './tree.mjs';

const sha256 = (...parts: (Buffer | string)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

const entryOf = (index: number) => {
  const salt = Buffer.alloc(32, index);
  const data = { name: `person ${index}` };
  const commitment = sha256(salt, JSON.stringify(data)).toString('base64');
  const entry = {
    index,
    id: `0192f3a4-7b1c-7def-8000-${String(index).padStart(12, '0')}`,
    type: 'task.decided',
    at: '2026-11-21T09:00:00.000Z',
    requestId: null,
    requestVersion: 3,
    content: { actor: null, n: index },
    sealed: [
      {
        subject: 's',
        kind: 'person',
        salt: salt.toString('base64') as string | null,
        data: data as unknown,
        commitment,
      },
    ],
    leafHash: '',
  };
  return { ...entry, leafHash: hashOfEntry(entry).toString('base64') };
};
const entries = Array.from({ length: 40 }, (_, index) => entryOf(index));
const treeOf = (some: readonly { leafHash: string }[]) => {
  const tree = new Tree();
  for (const entry of some) tree.append(Buffer.from(entry.leafHash, 'base64'));
  return tree;
};
const checkpoint = { size: 40n, root: treeOf(entries).root() };
const told = async (some: readonly unknown[], at = checkpoint) => {
  const lines = (async function* () {
    for (const entry of some) yield typeof entry === 'string' ? entry : JSON.stringify(entry);
  })();
  return verifyExport(lines, at).then(
    ({ entries: count, erased }) => `${count} ${erased.values}/${erased.entries} ${erased.requests}`,
    (error: Error) => error.message.split('\n'),
  );
};
const changed = (at: number, change: (entry: ReturnType<typeof entryOf>) => object) =>
  entries.map((entry, n) => (n === at ? change(entry) : entry));

/** Sealed as 12, and now shown as 2 with the 1 at the end of the salt: both have the same hash. */
const shifted = (entry: ReturnType<typeof entryOf>) => {
  const salt = Buffer.alloc(32, 9);
  const item = { subject: 's', kind: 'words', commitment: sha256(salt, '12').toString('base64') };
  const sealed = [{ ...item, salt: Buffer.concat([salt, Buffer.from('1')]).toString('base64'), data: 2 }];
  const whole = { ...entry, sealed };
  return { ...whole, leafHash: hashOfEntry(whole).toString('base64') };
};

describe('canonicalJson', () => {
  it('is RFC 8785 for whatever JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const parsed = JSON.parse(JSON.stringify(value)) as unknown;
        expect(canonicalJson(parsed)).toBe(canonicalize(parsed));
      }),
    );
  });

  it('refuses half of a surrogate pair', () => {
    for (const value of ['\ud800', { '\udfff': 1 }, ['a\ud83d']])
      expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});

describe('an export', () => {
  it('is verified, erased or not', async () => {
    expect(await told(entries)).toBe('40 0/0 0');
    const erase = (entry: ReturnType<typeof entryOf>) => ({
      ...entry,
      sealed: entry.sealed.map((item) => ({ ...item, salt: null, data: null })),
    });
    expect(await told(changed(7, erase))).toBe('40 1/1 0');
    expect(await told([], { size: 0n, root: new Tree().root() })).toBe('0 0/0 0');
    expect(await told([...entries, ''])).toBe('40 0/0 0');
  });

  it.each<[string, readonly unknown[], string[]]>([
    [
      'a changed content',
      changed(5, (entry) => ({ ...entry, content: {} })),
      ['index 5: what it says does not give its leafHash'],
    ],
    [
      'a changed commitment',
      changed(6, (entry) => ({ ...entry, sealed: [{ ...entry.sealed[0], data: 1 }] })),
      ['index 6: what is sealed in it (number 0) does not fit its commitment'],
    ],
    [
      'data left without its salt',
      changed(6, (entry) => ({ ...entry, sealed: [{ ...entry.sealed[0], salt: null }] })),
      ['index 6: what is sealed in it (number 0) does not fit its commitment'],
    ],
    ['an entry left out', entries.filter((_, n) => n !== 9), ['index 9: missing, 10 follows']],
    [
      'the last entries left out',
      entries.slice(0, 38),
      ['index 38: missing, the export ends here, but the checkpoint covers 40 entries'],
    ],
    [
      'an entry twice',
      [...entries.slice(0, 3), entries[2], ...entries.slice(3)],
      ['index 2: comes again or out of order, after 2'],
    ],
    [
      'more than is signed',
      [...entries, entryOf(40)],
      ['index 40: not covered by the checkpoint; take one that is newer than the export'],
    ],
    ['a line that is no entry', ['{"index":', ...entries], ['line 1: not an entry']],
    [
      'a member twice, of which readers may take another one',
      [JSON.stringify(entries[0]).replace('"n":0', '"n":7,"n":0'), ...entries.slice(1)],
      ['index 0: a member stands in it twice: readers may see different things'],
    ],
    [
      'a member twice at its top',
      [JSON.stringify(entries[0]).replace('{"index"', '{"type":"task.failed","index"'), ...entries.slice(1)],
      ['index 0: a member stands in it twice'],
    ],
    [
      'a member twice in what is sealed, written in another way',
      [
        JSON.stringify(entries[0]).replace('"data":{', String.raw`"d\u0061ta":{"name":"x"},"data":{`),
        ...entries.slice(1),
      ],
      ['index 0: a member stands in it twice'],
    ],
    [
      'a member twice in the data of what is sealed',
      [JSON.stringify(entries[0]).replace('"name":', '"name":"x","name":'), ...entries.slice(1)],
      ['index 0: a member stands in it twice'],
    ],
    [
      'a member that no hash covers',
      changed(5, (entry) => ({ ...entry, verifiedBy: 'somebody' })),
      ['index 5: the member "verifiedBy" is covered by no hash'],
    ],
    [
      'a member that no hash covers in what is sealed',
      changed(6, (entry) => ({ ...entry, sealed: [{ ...entry.sealed[0], verifiedBy: 'somebody' }] })),
      ['index 6: the member "verifiedBy" of sealed number 0 is covered by no hash'],
    ],
    [
      'a salt with something behind it',
      changed(6, (entry) => ({
        ...entry,
        sealed: [{ ...entry.sealed[0], salt: `${entry.sealed[0]?.salt} by somebody` }],
      })),
      ['index 6: what is sealed in it (number 0) does not fit its commitment'],
    ],
    [
      'a salt that has taken over a part of the data',
      changed(7, (entry) => shifted(entry)),
      ['index 7: what is sealed in it (number 0) does not fit its commitment'],
    ],
    [
      'something else than a list sealed',
      changed(6, (entry) => ({ ...entry, sealed: {} })),
      ['index 6: it is not an entry'],
    ],
    [
      'nothing in a place of what is sealed',
      changed(6, (entry) => ({ ...entry, sealed: [null] })),
      ['index 6: it is not an entry'],
    ],
    [
      'lost its beginning, which nothing in it says to be pruned',
      entries.slice(4),
      ['index 0: missing, 4 follows'],
    ],
    ['an entry without members', [{ index: 0 }, ...entries.slice(1)], ['index 0: it is not an entry']],
  ])('is found to have %s', async (_, lines, faults) => {
    const found = await told(lines);
    expect(found).toEqual(expect.arrayContaining([expect.stringContaining(faults[0]!)]));
  });

  it('is found to be in another order, and to be another log', async () => {
    const swapped = [...entries];
    [swapped[3], swapped[4]] = [
      { ...entries[4]!, index: 3 },
      { ...entries[3]!, index: 4 },
    ];
    expect(await told(swapped)).toEqual([
      expect.stringContaining('index 0 to 39: the leaf hashes do not give the root'),
    ]);
    expect(await told(entries, { size: 40n, root: Buffer.alloc(32) })).toEqual([
      expect.stringContaining('index 0 to 39: the leaf hashes do not give the root'),
    ]);
  });

  it('has all that is wrong told, up to twenty', async () => {
    const all = entries.map((entry) => ({ ...entry, type: 'x' }));
    const found = await told(all);
    expect(found).toHaveLength(21);
    expect(found.at(-1)).toBe('and 20 more');
    expect(faultOf(entries[0]!)).toBeNull();
  });
});

describe('an export of a pruned log', () => {
  const prunedAt = (index: number, size: number) => {
    const entry = { ...entryOf(index), type: 'log.pruned', content: { size, root: 'x' } };
    return { ...entry, leafHash: hashOfEntry(entry as never).toString('base64') };
  };
  const left = Array.from({ length: 20 }, (_, n) => (n === 9 ? prunedAt(265, 256) : entryOf(256 + n)));
  const at = { size: 276n, root: Buffer.alloc(32) };

  it('is not verified, and not said to be wrong', async () => {
    const lines = (async function* () {
      for (const entry of left) yield JSON.stringify(entry);
    })();
    const error: Error = await verifyExport(lines, at).then(
      () => new Error('verified'),
      (thrown: Error) => thrown,
    );
    expect(error).toBeInstanceOf(Unable);
    expect(error.message).toContain('the entries before 256 were pruned');
  });

  it.each<[string, readonly unknown[], string]>([
    ['something else is', left.map((entry, n) => (n === 3 ? { ...entry, type: 'x' } : entry)), 'index 259'],
    ['one of those left is not there', left.filter((_, n) => n !== 3), 'index 259: missing, 260 follows'],
    [
      'another beginning was pruned',
      left.map((entry, n) => (n === 9 ? prunedAt(265, 512) : entry)),
      'index 0: missing, 256 follows',
    ],
  ])('is wrong when %s', async (_, lines, fault) => {
    expect(await told(lines, at)).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
  });
});

describe('linesOf', () => {
  const lines = async (...chunks: Buffer[]) => {
    const found: string[] = [];
    for await (const line of linesOf(Readable.from(chunks))) found.push(line);
    return found;
  };

  it('ends lines at line feeds only, however the bytes come', async () => {
    const text = '{"a":"x\u2028y\u2029é"}\r\n\n{"b":"\u{1f600}"}\nlast';
    const bytes = Buffer.from(text);
    const wanted = ['{"a":"x\u2028y\u2029é"}', '', '{"b":"\u{1f600}"}', 'last'];
    for (let at = 0; at <= bytes.length; at++)
      expect(await lines(bytes.subarray(0, at), bytes.subarray(at))).toEqual(wanted);
    expect(await lines()).toEqual([]);
    expect(await lines(Buffer.from('a\n'))).toEqual(['a']);
  });

  it('refuses what is not UTF-8: readers would see different things', async () => {
    await expect(lines(Buffer.from('a\nb'), Buffer.of(0xff, 10))).rejects.toThrow('line 2 or behind it');
    await expect(lines(Buffer.of(0xc3))).rejects.toThrow(Wrong);
  });
});

describe('checkpointIn', () => {
  const text = 'countersign/x\n1\nroot=\n\n— countersign/x abc=\n';
  const head = (value: string) =>
    `HTTP/1.1 200 OK\r\nCountersign-Tree-Size: 1\r\nCountersign-Checkpoint: ${value}\r\n\r\n`;

  it('takes a checkpoint as it is, or out of the headers of the last answer', () => {
    const encoded = Buffer.from(text).toString('base64');
    expect(checkpointIn(text)).toBe(text);
    expect(checkpointIn(`${head(encoded)}Content-Digest: sha-256=:x=:\r\n`)).toBe(text);
    expect(
      checkpointIn(
        `HTTP/2 302 \r\nlocation: /x\r\n\r\n${head(encoded).toLowerCase().replace(encoded.toLowerCase(), encoded).replace('http/1.1 200', 'HTTP/2 200')}`,
      ),
    ).toBe(text);
    expect(checkpointIn(head('b3RoZXI=') + head(encoded))).toBe(text);
  });

  it('says that headers are not those of an export', () => {
    expect(() => checkpointIn('HTTP/1.1 401 Unauthorized\r\n\r\n')).toThrow(Unable);
  });
});

describe('isAmbiguous', () => {
  it('counts names as JSON does, whatever texts look like', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, spaces) => {
        const text = JSON.stringify(value, null, spaces);
        expect(isAmbiguous(text, JSON.parse(text))).toBe(false);
        const doubled = `{"v":1, "v" :${text}}`;
        expect(isAmbiguous(doubled, JSON.parse(doubled))).toBe(true);
      }),
    );
    const text = '{"a\\\\":"\\":","b":["\\\\",{"__proto__":1}]}';
    expect(isAmbiguous(text, JSON.parse(text))).toBe(false);
  });
});

describe('proofs', () => {
  it('hold for the published tree of the Certificate Transparency reference implementation', () => {
    const leaves = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ];
    const hashes = leaves.map((leaf) => leafHash(Buffer.from(leaf, 'hex')));
    const root = (count: number) => {
      const tree = new Tree();
      for (const hash of hashes.slice(0, count)) tree.append(hash);
      return tree.root();
    };
    expect(root(8).toString('hex')).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
    const proof = [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ].map((hash) => Buffer.from(hash, 'hex'));
    const inclusion = { index: 5n, size: 8n, leaf: hashes[5]!, proof, root: root(8) };
    expect(provesInclusion(inclusion)).toBe(true);
    const from6 = [
      Buffer.from('0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', 'hex'),
      ...proof.slice(1),
    ];
    const consistency = { from: 6n, to: 8n, fromRoot: root(6), toRoot: root(8), proof: from6 };
    expect(provesConsistency(consistency)).toBe(true);
    for (const [n, hash] of proof.entries()) {
      const wrong = proof.map((each, at) => (at === n ? leafHash(hash) : each));
      expect(provesInclusion({ ...inclusion, proof: wrong })).toBe(false);
      expect(provesInclusion({ ...inclusion, proof: proof.filter((_, at) => at !== n) })).toBe(false);
      const wrongFrom6 = from6.map((each, at) => (at === n ? leafHash(hash) : each));
      expect(provesConsistency({ ...consistency, proof: wrongFrom6 })).toBe(false);
    }
    expect(provesInclusion({ ...inclusion, index: 4n })).toBe(false);
    expect(provesInclusion({ ...inclusion, index: 8n })).toBe(false);
    expect(provesConsistency({ ...consistency, from: 7n })).toBe(false);
    expect(provesConsistency({ ...consistency, from: 9n })).toBe(false);
  });
});
