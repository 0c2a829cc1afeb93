export { Database, type DatabaseOptions } from './database';
export { isDataException, isDeadlock, isLockTimeout, isTransientFault, isUniqueViolation } from './faults';
export { migrate, type MigrateOptions } from './migrate';
export { roleOf, passwordOf, urlAs } from './roles';
export { isolateByWorkspace, openToRelay } from './row-security';
export type { Sql, Statement, TransactionSql } from './sql';
