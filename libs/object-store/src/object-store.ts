/** Where files are put. */
export interface ObjectStore {
  /**
   * Writes a file whole, or nothing: a reader never sees a part of it, nor anything before `chunks` has ended well. One that is
   * there already is replaced. Rejects with `ObjectStoreError`, or with what `chunks` fails with.
   */
  put(key: string, chunks: AsyncIterable<Buffer>, mediaType: string): Promise<void>;
}

/** `bad_key`: refused before anything is touched; `unavailable`: may go well another time. */
export type ObjectStoreErrorCode = 'bad_key' | 'refused' | 'unavailable';

export class ObjectStoreError extends Error {
  override name = 'ObjectStoreError';

  constructor(
    readonly code: ObjectStoreErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** The segments of a key such as `a/b/c.csv`; throws `bad_key` for anything that could mean another place. */
export const segmentsOf = (key: string): string[] => {
  const segments = key.split('/');
  if (segments.length > 12 || !segments.every((part) => segment.test(part)))
    throw new ObjectStoreError(
      'bad_key',
      'a key is made of names of letters, digits, "_", "-" and ".", not beginning with "." or "-"',
    );
  return segments;
};
