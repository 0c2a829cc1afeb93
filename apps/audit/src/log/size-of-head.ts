/** The size of a log as the checkpoint of its head says it, for SQL: readers of all workspaces may see no more of a head. */
export const sizeOfHead = (head: string): string => `split_part(${head}.checkpoint, E'\\n', 2)::bigint`;
