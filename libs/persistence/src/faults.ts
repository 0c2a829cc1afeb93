/**
 * SQLSTATE classes that say nothing about the statement: connection lost, server starting or stopping,
 * no connection free, deadlock or serialisation victim (PostgreSQL manual, appendix A).
 */
const transientStates = /^(08|53|57P|40001|40P01|55P03|25P0[34])/;
const transientCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const transientMessages =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|not queryable/i;

/** True when trying the same transaction again later may succeed without anything changing in it. */
export const isTransientFault = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (transientStates.test(code) || transientCodes.has(code)) return true;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isTransientFault);
  return transientMessages.test(error.message);
};

/** True when a unique constraint refused the write, optionally that one. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === '23505' &&
  (constraint === undefined || ('constraint' in error && error.constraint === constraint));

/** True for the victim of a deadlock: the same transaction can go again at once. */
export const isDeadlock = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '40P01';

/** True when a statement has waited for a lock for as long as `lock_timeout` allows. */
export const isLockTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '55P03';

/** True when PostgreSQL refused a value as such (SQLSTATE class 22): a date that does not exist, a number out of range. */
export const isDataException = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^22[0-9A-Z]{3}$/.test(error.code);
