import { commitment, emptyFrontier, leafHash } from '@countersign/merkle-log';
import { v7 } from 'uuid';
import { leafOf, type OpenEntry, type OpenSealed } from '../log/stored-entries';
import { checkStretch } from './check-entries';

const subject = v7();
const salt = Buffer.alloc(32, 7);
const sealedNumber = (shown: Buffer, value: number): OpenSealed => ({
  subject,
  kind: 'payload',
  commitment: commitment(salt, 12),
  position: 0,
  salt: shown.toString('base64'),
  data: { value, isOurs: true },
});

const findingsWith = (sealed: OpenSealed) => {
  const entry: OpenEntry = {
    index: 0n,
    id: v7(),
    type: 'request.commented',
    at: new Date('2026-11-21T09:00:00Z'),
    requestId: null,
    requestVersion: null,
    content: { actor: { type: 'system', id: null, via: null } },
    leafHash: Buffer.alloc(32),
    sealed: [sealed],
    isOurs: true,
    actorId: null,
    taskId: null,
    workflowKey: null,
  };
  const { findings } = checkStretch({
    before: emptyFrontier(),
    to: 1n,
    entries: [{ ...entry, leafHash: leafHash(leafOf(entry)) }],
    beside: { workflows: new Map(), continued: new Map(), unexplained: new Set(), otherPayloads: new Set() },
    storedHash: () => undefined,
    cosigned: [],
  });
  return findings.map(({ kind, detail }) => `${kind}: ${detail}`);
};

describe('what is sealed', () => {
  it('fits its commitment', () => {
    expect(findingsWith(sealedNumber(salt, 12))).toEqual([]);
  });

  it('does not with a digit of it moved into the salt, which gives the same hash', () => {
    const longer = Buffer.concat([salt, Buffer.from('1')]);
    expect(commitment(longer, 2)).toBe(commitment(salt, 12));
    expect(findingsWith(sealedNumber(longer, 2))).toEqual([
      'sealed: What is sealed with entry 0 (number 0) has a salt of 33 bytes.',
    ]);
  });
});
