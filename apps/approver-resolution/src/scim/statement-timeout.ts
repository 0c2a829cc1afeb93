/** SQLSTATE query_canceled. */
const queryCanceled = '57014';

/** Whether a statement ran into its time limit. */
export const isStatementTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === queryCanceled;
