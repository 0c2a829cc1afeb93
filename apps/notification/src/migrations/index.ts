import { NameOutboxTypes1763720000000 } from '@countersign/messaging';
import { Foundation1763690000000 } from './foundation';
import { PayloadVersions1763730000000 } from './payload-versions';

export const migrations = [
  Foundation1763690000000,
  NameOutboxTypes1763720000000,
  PayloadVersions1763730000000,
];
