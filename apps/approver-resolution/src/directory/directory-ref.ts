/** What names a user or a group in a workspace: an id, an externalId, a userName or, for groups, a displayName. */
export interface DirectoryRef {
  workspaceId: string;
  ref: string;
}

/** userNames are compared without regard to case (RFC 7643 §4.1.1). */
export const userNameKey = (userName: string): string => userName.toLowerCase();

/** The values of SCIM roles, which like most SCIM strings have no case (RFC 7643 §2.2). */
export const roleKey = (role: string): string => role.toLowerCase();

/** The refs once each, without those that PostgreSQL could not even be asked about (text there has no NUL). */
export const askable = (refs: readonly DirectoryRef[]): DirectoryRef[] => [
  ...new Map(
    refs.filter(({ ref }) => ref !== '' && !ref.includes('\0')).map((ref) => [refKey(ref), ref] as const),
  ).values(),
];

/** Key of a ref in a Map. */
export const refKey = ({ workspaceId, ref }: DirectoryRef): string => `${workspaceId} ${ref}`;
