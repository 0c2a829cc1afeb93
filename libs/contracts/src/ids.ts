const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text is a UUID of any version as RFC 9562 §4 writes it, in either case: then PostgreSQL takes it as one. */
export const isUuid = (text: string): boolean => uuid.test(text);

/** When a UUID of version 7 was made, in milliseconds since 1970 (RFC 9562 §5.7); null for any other id. */
export const madeAt = (id: string): number | null =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(id)
    ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    : null;
