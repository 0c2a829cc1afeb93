import { isJobType, isUuid, type Envelope, type JobType } from '@countersign/contracts';
import { traceIdOf } from './trace-context';

/** The message that a fault is about, for the log: never its data. */
export interface FaultyMessage {
  messageId: string;
  /** Null when there is no such type. */
  type: JobType | null;
  workspaceId: string;
  correlationId: string | null;
  /** Of W3C Trace Context; null when the message carries none. */
  traceId: string | null;
}

export type OnFault = (what: string, error: unknown, message?: FaultyMessage) => void;

/** Of a message that may have been checked by nobody: what is not what it should be may be anything, and stays out. */
export const faultyMessageOf = ({
  id,
  type,
  workspaceId,
  correlationId,
  traceparent,
}: Envelope): FaultyMessage => ({
  messageId: id,
  type: isJobType(type) ? type : null,
  workspaceId,
  correlationId: isUuid(String(correlationId)) ? correlationId : null,
  traceId: traceIdOf(traceparent),
});
