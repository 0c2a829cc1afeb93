import { NameOutboxTypes1763720000000 } from '@countersign/messaging';
import { Departures1763740000000 } from './departures.migration';
import { Foundation1763690000000 } from './foundation.migration';

export const migrations = [Foundation1763690000000, NameOutboxTypes1763720000000, Departures1763740000000];

/** What has been decided stays decided, whatever the application's role tries. */
export const appendOnly = ['decision', 'outcome'];
