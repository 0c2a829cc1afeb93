/** Problem codes of product §3 with their HTTP status and title (RFC 9457). */
export const problems = {
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  validation_failed: { status: 400, title: 'The call does not fit the API' },
  actor_required: { status: 400, title: 'A person must be named' },
  unauthenticated: { status: 401, title: 'No valid API key' },
  insufficient_scope: { status: 403, title: 'The key lacks a scope' },
  workflow_not_allowed: { status: 403, title: 'The key may not use this workflow' },
  not_assignee: { status: 403, title: 'Not the assignee of this task' },
  unknown_actor: { status: 403, title: 'The acting person is not known' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  invalid_transition: { status: 409, title: 'Not possible in this state' },
  task_closed: { status: 409, title: 'The task is closed' },
  stale_revision: { status: 409, title: 'The request has changed since' },
  idempotency_in_progress: { status: 409, title: 'The first call is still running' },
  uniqueness: { status: 409, title: 'Already there' },
  version_incompatible: { status: 409, title: 'The versions are not compatible' },
  version_mismatch: { status: 412, title: 'The object has changed since' },
  payload_too_large: { status: 413, title: 'Too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  payload_invalid: { status: 422, title: 'The payload does not fit the workflow' },
  definition_invalid: { status: 422, title: 'The workflow definition is not valid' },
  unknown_reference: { status: 422, title: 'A name could not be resolved' },
  delegation_cycle: { status: 422, title: 'The delegation would lead back to whoever gives it' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used for another call' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong here' },
  not_implemented: { status: 501, title: 'Not implemented' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemCode = keyof typeof problems;

export interface Violation {
  /** JSON pointer (RFC 6901) from the root of the body; query parameters as `/query/<name>`. */
  pointer: string;
  message: string;
}
