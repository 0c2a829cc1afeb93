import { Foundation1763690000000 } from './foundation.migration';

export const migrations = [Foundation1763690000000];
