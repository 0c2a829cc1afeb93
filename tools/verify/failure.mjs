// @ts-check

/** What was to be verified is wrong: exit code 1. */
export class Wrong extends Error {}

/** It could not be verified, for what was given or could not be had: exit code 2. */
export class Unable extends Error {}
