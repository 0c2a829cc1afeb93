// @ts-check

/** Something that the caller has to put right before any test can run. */
export class UsageError extends Error {}
