/** `bulkId:` and the bulkId of an operation stands for the id of what that operation makes (RFC 7644 §3.7.2). */
const prefix = 'bulkId:';
const quoted = /"bulkId:([^"\\]+)"/g;

/** What becomes of a reference: the id, or the same text again. */
type Resolve = (bulkId: string) => string | null;

const resolved = (text: string, resolve: Resolve): string => {
  if (text.startsWith(prefix)) return resolve(text.slice(prefix.length)) ?? text;
  // Inside the filter of a PATCH path.
  return text.replace(quoted, (same, bulkId: string) => {
    const id = resolve(bulkId);
    return id === null ? same : `"${id}"`;
  });
};

/** A copy of an operation's data with its references resolved. */
export const withReferences = (data: unknown, resolve: Resolve): unknown => {
  if (typeof data === 'string') return data.includes(prefix) ? resolved(data, resolve) : data;
  if (Array.isArray(data)) return data.map((item) => withReferences(item, resolve));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, withReferences(value, resolve)]),
  );
};

/** The bulkIds that an operation's data refers to, each once. */
export const referencesIn = (data: unknown): string[] => {
  const found = new Set<string>();
  withReferences(data, (bulkId) => {
    found.add(bulkId);
    return null;
  });
  return [...found];
};
