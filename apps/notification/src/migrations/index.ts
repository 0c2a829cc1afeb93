import { Foundation1763690000000 } from './foundation';

export const migrations = [Foundation1763690000000];
