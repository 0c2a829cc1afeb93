/** How many entries a log has: the first eight bytes of its frontier, big-endian (libs/merkle-log, frontier). */
export const logSize = `('x' || encode(substring(frontier for 8), 'hex'))::bit(64)::bigint`;
