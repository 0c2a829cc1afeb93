import type { EventType, FactType } from '@countersign/contracts';

/** The events of requests that are no webhook events, and that calls bring about. */
type OwnEntry = 'request.commented' | 'request.edited' | 'request.migrated';

/** What audit appends itself. */
type OfAudit =
  `${'analytics' | 'erasure' | 'export_schedule' | 'hold' | 'retention' | 'tampering' | 'witness'}.${string}`;

/**
 * What a route that may change something leaves in the log: the type of the entry, or why there is none. Several types for
 * a route that may do several things.
 */
export type Trail = EntryType | readonly EntryType[] | `none: ${string}`;
type EntryType = FactType | EventType | OwnEntry | OfAudit;

export const trailMetadata = 'countersign:trail';
