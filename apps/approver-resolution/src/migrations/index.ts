import { NameOutboxTypes1763720000000 } from '@countersign/messaging';
import { Delegations1763750000000 } from './delegations.migration';
import { Foundation1763690000000 } from './foundation.migration';

export const migrations = [Foundation1763690000000, NameOutboxTypes1763720000000, Delegations1763750000000];
