import type { parse } from '@bufbuild/cel';

/** A node of a parsed expression; the library does not export its type. */
export type CelExpr = ReturnType<typeof parse>['expr'];
