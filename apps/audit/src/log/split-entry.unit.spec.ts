import { commitment, leafBytes, MAX_BUNDLED_LEAF } from '@countersign/merkle-log';
import fc from 'fast-check';
import { v7 } from 'uuid';
import type { LogEntry } from './log-entry';
import { continuedType, joinContents, splitEntry } from './split-entry';

const entryOf = (content: Record<string, unknown>, personal: LogEntry['personal']): LogEntry => ({
  workspaceId: v7(),
  id: v7(),
  type: 'task.escalated',
  at: '2026-11-21T09:00:00.000Z',
  actor: { type: 'system', id: null, via: null },
  requestId: v7(),
  requestVersion: 7,
  taskId: v7(),
  workflowKey: 'purchase-order',
  content,
  personal,
});
const someCommitment = commitment(Buffer.alloc(32), null);
const lengthOf = ({ id, type, at, requestId, requestVersion, content, personal }: LogEntry) =>
  leafBytes({
    id,
    type,
    at,
    requestId,
    requestVersion,
    content,
    sealed: personal.map(({ subject, kind }) => ({ subject, kind, commitment: someCommitment })),
  }).length;

describe('an entry that is split', () => {
  it('fits in each of its parts, and is the same when they are put together', () => {
    const words = fc.string({ unit: 'binary', maxLength: 30_000 }).map((text) => text.toWellFormed());
    const content = fc.dictionary(
      fc.string({ maxLength: 20 }).filter((name) => !['__proto__', 'continued'].includes(name)),
      fc.oneof(words, fc.array(fc.uuid(), { maxLength: 3_000 }), fc.integer(), fc.constant(null)),
      { maxKeys: 6 },
    );
    const personal = fc.array(
      fc.record({ subject: fc.uuid(), kind: fc.constantFrom('person', 'why', 'due'), data: fc.integer() }),
      { maxLength: 900 },
    );
    fc.assert(
      fc.property(content, personal, (anyContent, anyPersonal) => {
        const whole = entryOf(anyContent, anyPersonal);
        const entries = splitEntry(whole);
        for (const entry of entries) expect(lengthOf(entry)).toBeLessThanOrEqual(MAX_BUNDLED_LEAF);
        const other = entryOf({ text: 'of another fact' }, []);
        expect(joinContents([other, ...entries, other]).map(({ content: one }) => one)).toEqual([
          other.content,
          anyContent,
          other.content,
        ]);
        expect(entries.flatMap(({ personal: part }) => part)).toEqual(anyPersonal);
      }),
      { numRuns: 60 },
    );
  });

  it('fits when every character of its content takes the most room', () => {
    for (const character of ['"', '\\', '€', '😀', '\u0001']) {
      const entries = splitEntry(entryOf({ text: character.repeat(60_000) }, []));
      for (const entry of entries) expect(lengthOf(entry)).toBeLessThanOrEqual(MAX_BUNDLED_LEAF);
      expect(joinContents(entries)[0]?.content).toEqual({ text: character.repeat(60_000) });
    }
  });

  it('is left as it is while a part is missing', () => {
    const [first, second, ...others] = splitEntry(entryOf({ large: 'x'.repeat(70_000) }, []));
    expect(joinContents([first!, second!])).toEqual([first]);
    expect(joinContents([second!, ...others])).toEqual([second, ...others]);
  });

  it('has parts that say what they continue, the same however often it is split', () => {
    const whole = entryOf({ small: 1, large: 'x'.repeat(70_000) }, []);
    const entries = splitEntry(whole);
    expect(splitEntry(whole)).toEqual(entries);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    const [first, ...parts] = entries;
    expect(first).toMatchObject({
      id: whole.id,
      type: whole.type,
      content: { small: 1, continued: { parts: 4 } },
    });
    expect(
      parts.map(({ type, taskId, requestId, workflowKey }) => [type, taskId, requestId, workflowKey]),
    ).toEqual(parts.map(() => [continuedType, null, whole.requestId, whole.workflowKey]));
    expect(parts.map(({ content }) => [content.continues, content.part, content.parts])).toEqual(
      parts.map((_, n) => [whole.id, n + 1, 4]),
    );
  });
});
