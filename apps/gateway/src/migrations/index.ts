import { Foundation1763690000000 } from './foundation.migration';

/** The gateway's schema is named for what it holds, not for the service. */
export const schema = 'access';

export const migrations = [Foundation1763690000000];
