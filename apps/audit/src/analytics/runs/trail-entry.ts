/** What analytics reads of an entry of the log that tells of a request. */
export interface TrailEntry {
  /** Its place in the log. */
  index: number;
  type: string;
  /** RFC 3339. */
  at: string;
  requestVersion: number;
  workflowKey: string;
  content: Record<string, unknown>;
  /** Of the requester as at submission; only `request.created` has them, until they are erased. */
  region: string | null;
  department: string | null;
}
