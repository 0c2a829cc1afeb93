import type { EndpointFormat } from '../endpoints/endpoint';

/** A delivery that this process has leased for one attempt, with all that the call needs. */
export interface LeasedDelivery extends Target {
  id: string;
  workspace_id: string;
  endpoint_id: string;
  event_id: string;
  format: EndpointFormat;
  attempt: number;
  tries: number;
  /** The next one of the same request waits for it. */
  is_ordered: boolean;
  body: string;
}

/** Of an endpoint, what a call to it needs. */
export interface Target {
  url: string;
  /** Those in force, the present one first: hex of what is sealed. */
  secrets: string[];
}

/** What an attempt came to. */
export interface AttemptResult {
  at: Date;
  status: number | null;
  latencyMs: number;
  error: string | null;
  /** The first 1 KiB of the answer's body. */
  response: string | null;
}

/** What is to be written about a leased delivery. */
export interface AttemptOutcome {
  deliveryId: string;
  workspaceId: string;
  endpointId: string;
  /** The address that was called. */
  url: string;
  /** Fence: what somebody else has taken over since is left alone. */
  attempt: number;
  state: 'pending' | 'succeeded' | 'failed';
  /** Until the next attempt; null unless `pending`. */
  delayMs: number | null;
  /** Null when no attempt was made and the delivery only goes back. */
  result: AttemptResult | null;
  /** The subscriber answered 410: it wants nothing any more, if it is still the one. */
  isGone: boolean;
  /** No attempt was made because more wait for this endpoint than it can be sent. */
  isCrowdedOut: boolean;
  /** The next one of the same request waits for it. */
  isOrdered: boolean;
}
