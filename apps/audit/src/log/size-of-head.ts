/** The size of a log, for SQL: the first eight bytes of the tree in its head. No row makes it fail, whatever was done to it. */
export const sizeOfHead = (head: string): string =>
  `('x' || encode(substring(${head}.frontier FOR 8), 'hex'))::bit(64)::bigint`;
