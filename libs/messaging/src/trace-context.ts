import { randomBytes } from 'node:crypto';

const format = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A new span of the same trace, or a new trace when `parent` is absent or malformed (W3C Trace Context, level 1). */
export const childSpan = (parent: string | null | undefined): string => {
  const match = parent ? format.exec(parent) : null;
  const trace = match?.[1] ?? randomBytes(16).toString('hex');
  return `00-${trace}-${randomBytes(8).toString('hex')}-${match?.[3] ?? '01'}`;
};

/** The trace id of a traceparent header; null when there is none. */
export const traceIdOf = (traceparent: string | null | undefined): string | null =>
  (traceparent && format.exec(traceparent)?.[1]) || null;
