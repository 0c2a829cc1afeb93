import fc from 'fast-check';
import { readCsv, unmarked } from '../../../test/read-csv';
import { exported } from '../../../test/exported-entries';
import { csv, csvField } from './csv.format';

describe('a field', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+AbC=', "'+AbC="],
    ['-2', "'-2"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['＝1', "'＝1"],
    ["'quoted", "''quoted"],
    ['a,b', '"a,b"'],
    ['say "no"', '"say ""no"""'],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
    ['plain', 'plain'],
    [null, ''],
    [12, '12'],
  ])('%j is written %j', (value, written) => expect(csvField(value)).toBe(written));

  it('is never one that a spreadsheet runs, and can always be read back', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('=', '+', '-', '@', "'", '"', ',', '\r', '\n', '\t', 'a', '＝') }),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (fields) => {
        const records = readCsv(`${fields.map(csvField).join(',')}\r\n`);
        expect(records.map((record) => record.map(unmarked))).toEqual([fields]);
        for (const field of records[0] ?? []) expect(field).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
      }),
    );
  });
});

describe('an entry', () => {
  it('is one record on one line, under a header', () => {
    const entry = exported();
    const line = csv.line(entry);
    expect(line.trimEnd()).not.toMatch(/[\r\n]/);
    const [names, fields] = readCsv(csv.head + line);
    expect(Object.fromEntries((names ?? []).map((name, at) => [name, unmarked(fields?.[at] ?? '')]))).toEqual(
      {
        index: '7',
        id: entry.id,
        type: 'task.decided',
        at: entry.at,
        request_id: entry.requestId,
        request_version: '3',
        workflow: 'purchase-order',
        actor_type: 'user',
        actor_id: '0192f3a4-7b1c-7d10-8000-000000000003',
        actor_via: 'key-1',
        content: entry.content,
        sealed: entry.sealed,
        leaf_hash: entry.leafHash,
      },
    );
  });
});
