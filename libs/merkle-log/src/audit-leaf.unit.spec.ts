import { createHash } from 'node:crypto';
import { commitment, leafBytes, type AuditLeaf } from './audit-leaf';
import { leafHash } from './tree-hash';

const leaf: AuditLeaf = {
  id: '0192f3a4-7b1c-7def-8000-000000000001',
  type: 'task.decided',
  at: '2026-11-21T09:00:00.000Z',
  requestId: '0192f3a4-7b1c-7def-8000-000000000002',
  requestVersion: 7,
  content: { state: 'approved', code: null },
  sealed: [{ subject: 'user:1', kind: 'comment', commitment: 'AAAA' }],
};

const TEXT =
  '{"at":"2026-11-21T09:00:00.000Z","content":{"code":null,"state":"approved"},"id":"0192f3a4-7b1c-7def-8000-000000000001",' +
  '"requestId":"0192f3a4-7b1c-7def-8000-000000000002","requestVersion":7,' +
  '"sealed":[{"commitment":"AAAA","kind":"comment","subject":"user:1"}],"type":"task.decided","v":1}';

describe('leafBytes', () => {
  it('is the RFC 8785 JSON of version 1, byte for byte', () => {
    expect(leafBytes(leaf).toString('utf8')).toBe(TEXT);
    expect(leafHash(leafBytes(leaf))).toEqual(createHash('sha256').update(`\0${TEXT}`).digest());
  });

  it('lets nothing in that can be erased later', () => {
    const entry = {
      ...leaf,
      index: 4,
      leafHash: 'x',
      sealed: leaf.sealed.map((one) => ({ ...one, salt: 'c2FsdA==', data: { name: 'Alice' } })),
    };
    expect(leafBytes(entry).toString('utf8')).toBe(TEXT);
  });

  it('writes an entry without a request with null', () => {
    const text = leafBytes({ ...leaf, requestId: null, requestVersion: null, sealed: [] }).toString('utf8');
    expect(JSON.parse(text)).toMatchObject({ requestId: null, requestVersion: null, sealed: [], v: 1 });
  });
});

describe('commitment', () => {
  const salt = Buffer.alloc(32, 7);

  it('is base64 SHA-256 of the salt and the canonical data', () => {
    const expected = createHash('sha256').update(salt).update('{"a":1,"b":"ü"}', 'utf8').digest('base64');
    expect(commitment(salt, { b: 'ü', a: 1 })).toBe(expected);
  });

  it('differs by salt and by data', () => {
    expect(commitment(Buffer.alloc(32, 8), 'x')).not.toBe(commitment(salt, 'x'));
    expect(commitment(salt, 'y')).not.toBe(commitment(salt, 'x'));
  });

  it('refuses a salt that could be guessed', () => {
    expect(() => commitment(Buffer.alloc(15), 'x')).toThrow(RangeError);
  });
});
