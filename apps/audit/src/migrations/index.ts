import { NameOutboxTypes1763720000000 } from '@countersign/messaging';
import { Foundation1763690000000 } from './foundation.migration';
import { PayloadVersions1763730000000 } from './payload-versions.migration';

export const migrations = [
  Foundation1763690000000,
  NameOutboxTypes1763720000000,
  PayloadVersions1763730000000,
];

/** Nothing is ever changed in the log by the role that writes it; what the feed shows may have to be erased. */
export const appendOnly = ['entry', 'subtree'];
