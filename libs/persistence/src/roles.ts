import { hkdfSync } from 'node:crypto';

/** The role a service's application code works as, and the small one of its relay and sweepers. */
export const roleOf = (schema: string, kind: 'app' | 'relay'): string =>
  kind === 'app' ? `countersign_${schema}` : `countersign_${schema}_relay`;

/** Passwords are derived, not stored: HKDF-SHA256 (RFC 5869) of the secret key, labelled with the role. */
export const passwordOf = (secretKey: string, role: string): string =>
  Buffer.from(hkdfSync('sha256', Buffer.from(secretKey, 'base64'), '', `database-role:${role}`, 32)).toString(
    'base64url',
  );

/** The same server and database, entered as one of our roles. */
export const urlAs = (databaseUrl: string, secretKey: string, role: string): string => {
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = passwordOf(secretKey, role);
  return url.toString();
};
