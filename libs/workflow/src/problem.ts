/** One violation: an RFC 6901 JSON pointer from the root of what was checked, and a plain sentence. */
export interface Problem {
  pointer: string;
  message: string;
}

/** Appends one reference token to a JSON pointer (RFC 6901 section 3). */
export function pointerTo(base: string, token: string | number): string {
  return `${base}/${String(token).replace(/~/g, '~0').replace(/\//g, '~1')}`;
}
