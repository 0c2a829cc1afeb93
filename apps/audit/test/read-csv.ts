/** Strict RFC 4180, written from its grammar: throws for a quote where none may be and for records of another length. */
export const readCsv = (text: string): string[][] => {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field = '';
    if (text[at] === '"') {
      for (at += 1; ; at += 1) {
        if (at >= text.length) throw new Error('a quoted field without an end');
        if (text[at] !== '"') field += text[at];
        else if (text[at + 1] === '"') field += text[(at += 1)];
        else break;
      }
      at += 1;
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        if (text[at] === '"' || text[at] === '\n') throw new Error(`not allowed in a plain field at ${at}`);
        field += text[at++];
      }
    }
    record.push(field);
    if (text[at] === ',') {
      at += 1;
      if (at === text.length) record.push('');
      continue;
    }
    if (!text.startsWith('\r\n', at)) throw new Error(`no end of a field at ${at}`);
    at += 2;
    records.push(record);
    record = [];
  }
  if (record.length > 0) throw new Error('the last record has no end');
  const [first] = records;
  for (const { length } of records)
    if (length !== first?.length) throw new Error('records of different lengths');
  return records;
};

/** What docs/audit.md tells readers to do: one leading apostrophe is a mark. */
export const unmarked = (field: string): string => field.replace(/^'/, '');
